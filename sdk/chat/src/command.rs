//! Lines that begin with a slash: what the messenger is asked to do.

/// What the messenger is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Open the conversation with a user, or a group by `g:ID`.
    Open(String),
    /// Make a group with these members.
    Group { name: String, members: Vec<String> },
    /// Add members to the open group.
    Add(Vec<String>),
    /// Remove members from the open group.
    Remove(Vec<String>),
    /// Leave the open group.
    Leave,
    /// Take back one's newest message here.
    Recall,
    /// Put the newest refused draft back into the line.
    Again,
    /// Connect anew at once.
    Connect,
    /// Show or hide the help.
    Help,
    /// Leave the messenger.
    Quit,
}

/// The commands as the help shows them.
pub(crate) const HELP: [(&str, &str); 10] = [
    ("/to USER", "open a conversation (a group: /to g:ID)"),
    ("/group NAME USER…", "make a group"),
    ("/add USER…", "add to this group"),
    ("/remove USER…", "remove from this group"),
    ("/leave", "leave this group"),
    ("/recall", "take back your newest message here"),
    ("/again", "put a refused draft back into the line"),
    ("/connect", "connect anew at once"),
    ("/help", "show or hide this"),
    ("/quit", "leave (Ctrl+Q)"),
];

/// Reads a line. `None` if it is a text to send; an error says what is wrong with the command.
pub(crate) fn read(line: &str) -> Option<Result<Command, String>> {
    let line = line.strip_prefix('/')?;
    // A text may begin with a slash when it is written twice.
    if line.starts_with('/') {
        return None;
    }
    let mut words = line.split_whitespace();
    let name = words.next().unwrap_or_default();
    let arguments: Vec<String> = words.map(str::to_owned).collect();
    Some(command(name, arguments))
}

fn command(name: &str, mut arguments: Vec<String>) -> Result<Command, String> {
    let missing = |usage: &str| Err(format!("write {usage}"));
    match (name, arguments.len()) {
        ("to", 1) => Ok(Command::Open(arguments.remove(0))),
        ("to", _) => missing("/to USER, or /to g:ID"),
        ("group", 2..) => Ok(Command::Group {
            name: arguments.remove(0),
            members: arguments,
        }),
        ("group", _) => missing("/group NAME USER…"),
        ("add", 1..) => Ok(Command::Add(arguments)),
        ("add", _) => missing("/add USER…"),
        ("remove", 1..) => Ok(Command::Remove(arguments)),
        ("remove", _) => missing("/remove USER…"),
        ("leave", _) => Ok(Command::Leave),
        ("recall", _) => Ok(Command::Recall),
        ("again", _) => Ok(Command::Again),
        ("connect", _) => Ok(Command::Connect),
        ("help", _) => Ok(Command::Help),
        ("quit" | "exit", _) => Ok(Command::Quit),
        _ => Err(format!("/{name} is no command; /help shows them")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_command_only_with_one_slash() {
        assert_eq!(read("hello"), None);
        assert_eq!(read("//etc/hosts"), None);
        assert_eq!(read("/to bob"), Some(Ok(Command::Open("bob".to_owned()))));
        let group = Command::Group {
            name: "Team".to_owned(),
            members: vec!["bob".to_owned(), "carol".to_owned()],
        };
        assert_eq!(read("/group Team bob carol"), Some(Ok(group)));
        assert_eq!(read("/leave"), Some(Ok(Command::Leave)));
    }

    #[test]
    fn a_command_that_is_not_understood_says_why() {
        assert_eq!(read("/to"), Some(Err("write /to USER, or /to g:ID".to_owned())));
        let unknown = read("/fly").and_then(Result::err);
        assert!(unknown.is_some_and(|why| why.contains("/fly")));
    }
}
