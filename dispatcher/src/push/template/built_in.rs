//! The words that come with the platform, for every published type, in English and Chinese.

use super::Template;

/// Type, English, Chinese: what stands under the sender's name.
const BODIES: [(&str, &str, &str); 11] = [
    ("text", "{text}", "{text}"),
    ("image", "[Photo]", "[图片]"),
    ("voice", "[Voice message]", "[语音]"),
    ("video", "[Video]", "[视频]"),
    ("file", "[File] {content.fileName}", "[文件] {content.fileName}"),
    ("linkCard", "[Link] {title}", "[链接] {title}"),
    ("appCard", "{title}", "{title}"),
    ("prescriptionCard", "[Prescription] {title}", "[处方] {title}"),
    ("location", "[Location] {name}", "[位置] {name}"),
    ("call", "Incoming call", "来电"),
    ("missedCall", "Missed call", "未接来电"),
];

pub(super) fn template(type_name: &str, is_chinese: bool) -> Template {
    let found = BODIES.into_iter().find(|(name, _, _)| *name == type_name);
    let (english, chinese) = found.map_or(("New message", "新消息"), |(_, english, chinese)| (english, chinese));
    Template {
        title: "{sender}".to_owned(),
        body: if is_chinese { chinese } else { english }.to_owned(),
        ..Template::default()
    }
}
