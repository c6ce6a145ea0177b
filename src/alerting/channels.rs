//! Channels as the configuration has them, with their secrets: ready to send.

use std::sync::Arc;

use roundsman_alerts::channel::{Channel, Kind, Login, MailServer, PAGERDUTY};
use thiserror::Error;

use crate::config::{AlertChannel, Alerts, ChannelKind, HeaderText, Secret, SecretError};

/// Why a channel can't send: a secret can't be had. Exit code 2.
#[derive(Debug, Error)]
#[error("the channel `{channel}`: {source}")]
pub struct ChannelError {
    channel: String,
    source: SecretError,
}

/// All channels. Their secrets are read now.
///
/// # Errors
/// [`ChannelError`] for the first whose secret is unset, empty or unreadable.
pub fn channels(alerts: &Alerts) -> Result<Vec<Arc<Channel>>, ChannelError> {
    alerts
        .channels
        .iter()
        .map(|table| channel(table).map(Arc::new))
        .collect()
}

/// One channel. Its secrets are read now.
///
/// # Errors
/// [`ChannelError`] where one is unset, empty or unreadable.
pub fn channel(table: &AlertChannel) -> Result<Channel, ChannelError> {
    let kind = kind(table).map_err(|source| ChannelError {
        channel: table.name.clone(),
        source,
    })?;
    Ok(Channel::new(&table.name, kind))
}

fn kind(table: &AlertChannel) -> Result<Kind, SecretError> {
    let secret = |secret: &Option<Secret>| secret.as_ref().map(read).transpose();
    let url = || -> Result<Option<String>, SecretError> {
        let url = table.url.as_ref().map(HeaderText::read).transpose()?;
        Ok(url.map(|url| url.expose().to_owned()))
    };
    Ok(match table.kind {
        ChannelKind::Email => {
            let login = match (&table.username, secret(&table.password)?) {
                (Some(username), Some(password)) => Some(Login {
                    username: username.clone(),
                    password,
                }),
                _ => None,
            };
            // A channel without a server was refused when the configuration was read.
            let (host, port, security) = match &table.server {
                Some(server) => (server.host.as_str(), server.port, server.security),
                None => ("localhost", 25, roundsman_alerts::channel::Security::Clear),
            };
            Kind::Email {
                server: MailServer::new(host, port, security, login),
                from: table.from.clone().unwrap_or_default(),
                to: table.to.clone(),
            }
        }
        ChannelKind::Webhook => Kind::Webhook {
            url: url()?.unwrap_or_default(),
            secret: secret(&table.secret)?,
        },
        ChannelKind::Slack => Kind::Slack {
            url: url()?.unwrap_or_default(),
        },
        ChannelKind::Pagerduty => Kind::Pagerduty {
            url: url()?.unwrap_or_else(|| PAGERDUTY.to_owned()),
            routing_key: secret(&table.routing_key)?.unwrap_or_default(),
        },
        ChannelKind::Alertmanager => Kind::Alertmanager {
            url: url()?.unwrap_or_default(),
        },
    })
}

fn read(secret: &Secret) -> Result<String, SecretError> {
    Ok(secret.read()?.expose().to_owned())
}
