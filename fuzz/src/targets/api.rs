//! Answers of APIs: GraphQL, the Machines API and the logs of the platform, the DNS provider's listing, a list of tenants.
//! The first byte chooses who is asked; a record separator (U+001E) stands between the answers.

use std::error::Error;
use std::path::Path;

use roundsman::config::Config;
use roundsman::inventory::{Answers, Remote, load};
use roundsman_checks::evidence::ApiAnswer;
use roundsman_checks::platform::{Calls, cloudflare, fly};
use roundsman_checks::target::Hostname;

use crate::peer::{CannedApi, NAME, block_on, split};

const BETWEEN: &[u8] = b"\x1e";
/// Every token that is sent.
const TOKEN: &str = "hunter2-KEY";

/// The clients of all APIs, and who answers them.
struct Asked {
    api: CannedApi,
    fly: fly::Client,
    zone: cloudflare::Zone,
    config: Config,
    list: Option<Remote>,
}

thread_local! {
    static ASKED: &'static Asked = Box::leak(Box::new(
        Asked::new().unwrap_or_else(|error| unreachable!("all clients can be made: {error}")),
    ));
}

impl Asked {
    fn new() -> Result<Self, Box<dyn Error>> {
        let api = CannedApi::start();
        let url = format!("http://{}", api.address);
        let settings = fly::Settings {
            api_url: url.clone(),
            machines_url: url.clone(),
            organization: None,
            edge_app: "edge".to_owned(),
        };
        let domain = Hostname::parse("example.com")?;
        let text = format!(
            "domain = \"example.com\"\n[tenants]\nsource = [\"http\", \"fly\"]\nurl = \"{url}/tenants\"\nnext = \"/next\"\n\
             [fly]\norganization = \"o\"\ntoken = {{ file = \"/nonexistent\" }}\n"
        );
        let config = Config::parse(&text, Path::new("roundsman.toml")).map_err(|error| error.render(false))?;
        Ok(Self {
            fly: fly::Client::new(settings, TOKEN, "fuzz", &Calls::default())?,
            zone: cloudflare::Zone::new(&url, None, &domain, TOKEN, "fuzz", Calls::default())?,
            list: Remote::new(&config, None, "fuzz")?,
            config,
            api,
        })
    }
}

pub(crate) fn read(input: &[u8]) {
    let Some((choice, bytes)) = input.split_first() else {
        return;
    };
    let told = ASKED.with(|asked| {
        asked.api.will_answer(split(bytes, BETWEEN));
        asked.fly.begin_round();
        asked.zone.begin_round();
        block_on(asked.ask(*choice))
    });
    assert!(!told.contains(TOKEN), "a token is shown: {told}");
}

impl Asked {
    async fn ask(&self, choice: u8) -> String {
        match choice % 5 {
            0 => {
                let platform = self.fly.read().await;
                if let ApiAnswer::Known(platform) = &platform {
                    self.tenants(Answers {
                        platform: Some(platform),
                        listing: None,
                    });
                }
                format!("{platform:?}")
            }
            1 => format!("{:?}", self.fly.machines("sp-q7f9").await),
            2 => format!("{:?}", self.fly.log("sp-q7f9", None).await),
            3 => format!("{:?} of {NAME}", self.zone.listing().await),
            _ => {
                let listing = Remote::ask(self.list.as_ref()).await;
                self.tenants(Answers {
                    platform: None,
                    listing: listing.as_ref(),
                });
                format!("{listing:?}")
            }
        }
    }

    fn tenants(&self, answers: Answers<'_>) {
        if let Err(error) = load(&self.config, None, &[], answers) {
            let _ = error.render(false);
        }
    }
}
