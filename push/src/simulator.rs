//! Strict stand-ins for all vendors, on loopback with a certificate authority of their own.
//!
//! Each is written from the vendor's tables and not from our client: it refuses what the vendor would refuse, and what
//! it does not know. Each can be told to fail ([`Trouble`]), records what it got, and shows what the phone would show
//! ([`Phone`]). What they cannot show: that a vendor's account, channels and templates are right, its true limits, and
//! whether a real phone rings.

mod apns;
mod asked;
mod authority;
mod devices;
mod external;
mod fcm;
mod honor;
mod huawei;
mod meizu;
mod oppo;
mod phone;
mod sample;
mod script;
mod server;
mod strict;
mod tokens;
mod vivo;
mod webpush;
mod xiaomi;

use std::sync::Arc;

use godwit_model::Clock;

use crate::settings::{Callback, ClassWords, Classes, Connection, Settings};
use crate::{Class, Secret, Target, VendorName};

pub use apns::{ApnsSimulator, ApnsTrouble};
pub use asked::Asked;
pub use authority::Authority;
pub use devices::{Device, Devices};
pub use external::ExternalSimulator;
pub use fcm::{FcmSimulator, GoogleTokenSimulator};
pub use honor::HonorSimulator;
pub use huawei::HuaweiSimulator;
pub use meizu::MeizuSimulator;
pub use oppo::OppoSimulator;
pub use phone::{Phone, Phones, Shown};
pub use sample::chat_message;
pub use script::{Script, Trouble};
pub use server::StartError;
pub use vivo::VivoSimulator;
pub use webpush::{Browser, WebPushSimulator};
pub use xiaomi::XiaomiSimulator;

/// What all simulators share.
pub(crate) struct World {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) phones: Phones,
    pub(crate) devices: Devices,
    pub(crate) authority: Authority,
}

/// One simulator of every vendor. They stop when it is dropped.
pub struct Simulators {
    world: Arc<World>,
    /// Apple.
    pub apns: ApnsSimulator,
    /// Google's tokens.
    pub google: GoogleTokenSimulator,
    /// Google.
    pub fcm: FcmSimulator,
    /// A push service of browsers.
    pub webpush: WebPushSimulator,
    /// Xiaomi.
    pub xiaomi: XiaomiSimulator,
    /// Huawei, v1 and v3, with its tokens.
    pub huawei: HuaweiSimulator,
    /// Honor, with its tokens.
    pub honor: HonorSimulator,
    /// A push service that somebody else runs.
    pub external: ExternalSimulator,
    /// OPPO.
    pub oppo: OppoSimulator,
    /// vivo.
    pub vivo: VivoSimulator,
    /// Meizu.
    pub meizu: MeizuSimulator,
}

/// What each report of a vendor carries, where the vendor signs nothing.
pub const CALLBACK_SECRET: &str = "simulated-callback-secret";

impl Simulators {
    /// Starts all of them on ports that the host chooses, of 127.0.0.1. Their time is `clock`.
    pub async fn start_all(clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let world = Arc::new(World {
            clock,
            phones: Phones::default(),
            devices: Devices::default(),
            authority: Authority::new()?,
        });
        let google = GoogleTokenSimulator::start(&world).await?;
        Ok(Self {
            apns: ApnsSimulator::start(&world).await?,
            fcm: FcmSimulator::start(&world, &google).await?,
            google,
            webpush: WebPushSimulator::start(&world).await?,
            xiaomi: XiaomiSimulator::start(&world).await?,
            huawei: HuaweiSimulator::start(&world).await?,
            honor: HonorSimulator::start(&world).await?,
            oppo: OppoSimulator::start(&world).await?,
            vivo: VivoSimulator::start(&world).await?,
            meizu: MeizuSimulator::start(&world).await?,
            external: ExternalSimulator::start(&world).await?,
            world,
        })
    }

    /// What the phones show.
    pub fn phones(&self) -> &Phones {
        &self.world.phones
    }

    /// Which devices the vendors know, and how they are.
    pub fn devices(&self) -> &Devices {
        &self.world.devices
    }

    /// Who signed the simulators' certificates.
    pub fn authority(&self) -> &Authority {
        &self.world.authority
    }

    /// A device of this name with the vendor's app on it; the same name gives the same device.
    pub fn new_device(&self, vendor: VendorName, name: &str) -> Target {
        let target = match vendor {
            VendorName::WebPush => Target::token(self.webpush.subscribe(name).subscription),
            VendorName::Apns => Target {
                token: devices::hexadecimal_token(name),
                voip_token: Some(devices::hexadecimal_token(&format!("{name} voip"))),
                ..Target::default()
            },
            _ => Target::token(devices::token(vendor, name)),
        };
        self.set_device(vendor, &target, Device::Good);
        if let Some(voip) = &target.voip_token {
            self.world.devices.set(vendor, voip, Device::Good);
        }
        target
    }

    /// What a device shows; a call's token is its own phone here.
    pub fn phone(&self, vendor: VendorName, target: &Target) -> Phone {
        self.world.phones.look(vendor, &webpush::name_of(vendor, &target.token))
    }

    /// How a device is from now on, for the vendor.
    pub fn set_device(&self, vendor: VendorName, target: &Target, device: Device) {
        self.world
            .devices
            .set(vendor, &webpush::name_of(vendor, &target.token), device);
    }

    /// Every complaint of a simulator about a request that no vendor would take. Empty, if the clients are right.
    pub fn complaints(&self) -> Vec<String> {
        let scripts = self.scripts();
        let complaints = scripts.iter().flat_map(|(name, script)| {
            let complaints = script.complaints().into_iter();
            complaints.map(move |complaint| format!("{name}: {complaint}"))
        });
        complaints.collect()
    }

    fn scripts(&self) -> [(VendorName, &Script); 11] {
        [
            (VendorName::Apns, self.apns.script()),
            (VendorName::Fcm, self.google.script()),
            (VendorName::Fcm, self.fcm.script()),
            (VendorName::WebPush, self.webpush.script()),
            (VendorName::Xiaomi, self.xiaomi.script()),
            (VendorName::Huawei, self.huawei.script()),
            (VendorName::Honor, self.honor.script()),
            (VendorName::Oppo, self.oppo.script()),
            (VendorName::Vivo, self.vivo.script()),
            (VendorName::Meizu, self.meizu.script()),
            (VendorName::External, self.external.script()),
        ]
    }

    /// The script of a vendor's simulator, to make it fail.
    pub fn script(&self, vendor: VendorName) -> &Script {
        match vendor {
            VendorName::Apns => self.apns.script(),
            VendorName::Fcm => self.fcm.script(),
            VendorName::WebPush => self.webpush.script(),
            VendorName::Xiaomi => self.xiaomi.script(),
            VendorName::Huawei => self.huawei.script(),
            VendorName::Honor => self.honor.script(),
            VendorName::Oppo => self.oppo.script(),
            VendorName::Vivo => self.vivo.script(),
            VendorName::Meizu => self.meizu.script(),
            VendorName::External => self.external.script(),
        }
    }

    /// How many tokens a vendor gave to clients; 0 for those that give none.
    pub fn tokens_given(&self, vendor: VendorName) -> usize {
        match vendor {
            VendorName::Fcm => self.google.given(),
            VendorName::Huawei => self.huawei.given(),
            VendorName::Honor => self.honor.given(),
            VendorName::Oppo => self.oppo.given(),
            VendorName::Vivo => self.vivo.given(),
            _ => 0,
        }
    }

    /// All tokens that a vendor gave have expired.
    pub fn expire_tokens(&self, vendor: VendorName) {
        match vendor {
            VendorName::Fcm => self.google.expire(),
            VendorName::Huawei => self.huawei.expire(),
            VendorName::Honor => self.honor.expire(),
            VendorName::Oppo => self.oppo.expire(),
            VendorName::Vivo => self.vivo.expire(),
            _ => {}
        }
    }

    /// Settings that lead every vendor here, with credentials that are taken.
    pub fn settings(&self) -> Settings {
        Settings {
            apns: Some(self.apns.settings()),
            fcm: Some(self.fcm.settings(&self.google)),
            webpush: Some(self.webpush.settings()),
            xiaomi: Some(self.xiaomi.settings()),
            huawei: Some(self.huawei.settings()),
            honor: Some(self.honor.settings()),
            oppo: Some(self.oppo.settings()),
            vivo: Some(self.vivo.settings()),
            meizu: Some(self.meizu.settings()),
            external: Some(self.external.settings()),
            ..Settings::default()
        }
    }
}

impl World {
    /// The way to a simulator.
    pub(crate) fn connection(&self, base_url: String, token_url: Option<String>) -> Connection {
        Connection {
            base_url: Some(base_url),
            token_url,
            extra_roots: Some(Secret::new(self.authority.pem())),
            connect_timeout_ms: 2_000,
            timeout_ms: 5_000,
        }
    }
}

/// One class's words.
fn chat(words: ClassWords) -> Classes {
    Classes::from([(Class::Chat, words)])
}

fn simulated_callback() -> Callback {
    Callback {
        url: "https://godwit.example/callback".to_owned(),
        secret: Secret::new(CALLBACK_SECRET),
    }
}
