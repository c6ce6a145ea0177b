//! A dead man's switch: somebody else is told every so often that the agent does its job, and notices when nobody tells it.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use crate::watch::Health;

/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The share of tenants that have to be examined in time.
const ENOUGH: f64 = 0.99;

/// Whom to tell.
pub(super) struct Heartbeat {
    url: Option<String>,
    client: Option<reqwest::Client>,
    /// Before the agent was ready once there is nothing to tell.
    was_ready: bool,
}

impl Heartbeat {
    /// Tells this address.
    pub(super) fn new(url: Option<String>, user_agent: &str) -> Self {
        // Another part of the process may have installed the same provider already; then this changes nothing.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder()
            .http1_only()
            .user_agent(user_agent)
            .timeout(PATIENCE);
        Self {
            client: url.as_ref().and_then(|_| client.build().ok()),
            url,
            was_ready: false,
        }
    }

    /// The same for another address.
    pub(super) fn moved(self, url: Option<String>, user_agent: &str) -> Self {
        Self {
            was_ready: self.was_ready,
            ..Self::new(url, user_agent)
        }
    }

    /// The call that is to be made now; it gives what went wrong with it.
    pub(super) fn beat(&mut self, health: &Health) -> Option<LocalBoxFuture<'static, Result<(), String>>> {
        self.was_ready |= health.ready;
        let (client, url) = (self.client.clone()?, self.url.clone()?);
        if !self.was_ready {
            return None;
        }
        let request = match wrong(health) {
            None => client.get(url),
            Some(why) => client.post(format!("{}/fail", url.trim_end_matches('/'))).body(why),
        };
        Some(Box::pin(async move {
            let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
            match answer.status().is_success() {
                true => Ok(()),
                false => Err(format!("it answers {}", answer.status())),
            }
        }))
    }
}

/// Why the agent does not do its job; nothing where it does.
fn wrong(health: &Health) -> Option<String> {
    if health.blind {
        Some("nothing can be seen from here: the agent's own network, clock or descriptors".to_owned())
    } else if let Some(why) = &health.alerting {
        Some(format!("the alerting is stuck: {why}"))
    } else if health.coverage < ENOUGH {
        let share = health.coverage * 100.0;
        Some(format!(
            "{share:.1} % of the tenants were examined within two intervals"
        ))
    } else if health.ready {
        None
    } else {
        Some(format!("waiting for {}", health.waiting_for.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_the_agent_from_its_job_is_told() {
        let well = Health {
            ready: true,
            coverage: 1.0,
            ..Health::default()
        };
        assert_eq!(wrong(&well), None);
        let blind = Health {
            blind: true,
            ..well.clone()
        };
        assert!(wrong(&blind).is_some_and(|why| why.contains("nothing can be seen")));
        let stuck = Health {
            alerting: Some("550 no".to_owned()),
            ..well.clone()
        };
        assert_eq!(wrong(&stuck).as_deref(), Some("the alerting is stuck: 550 no"));
        let late = Health {
            coverage: 0.5,
            ..well.clone()
        };
        assert_eq!(
            wrong(&late).as_deref(),
            Some("50.0 % of the tenants were examined within two intervals")
        );
        let waiting = Health {
            ready: false,
            waiting_for: vec!["the store".to_owned()],
            ..well
        };
        assert_eq!(wrong(&waiting).as_deref(), Some("waiting for the store"));
    }
}
