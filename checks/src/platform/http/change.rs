//! One call that changes something: made once, never repeated by itself. Whoever makes it says what an answer means; what
//! is not known of it afterwards is found out by reading again.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde_json::Value;

use super::{Api, MAX_REFUSAL, Path, said};
use crate::clock::Moment;
use crate::evidence::{Fault, Reason};

/// How long a call that changes something may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a call that was to change something changed nothing, as far as that is known.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum NotDone {
    /// The token may not: no other call with it will do better.
    Forbidden(Fault),
    /// The API says no.
    Refused(Fault),
    /// No answer tells whether it was done.
    Unsure(Fault),
}

impl NotDone {
    /// What was answered, or why nothing was.
    #[must_use]
    pub fn fault(&self) -> &Fault {
        match self {
            Self::Forbidden(fault) | Self::Refused(fault) | Self::Unsure(fault) => fault,
        }
    }
}

/// An answer to such a call, whatever its status.
pub(in crate::platform) struct Reply {
    pub status: u16,
    /// What it holds; null where that is no JSON.
    pub body: Value,
    /// What it says in words.
    said: Option<String>,
    api: &'static str,
}

impl Reply {
    /// What it means where it is none of the answers that the caller knows.
    pub(in crate::platform) fn refusal(self) -> NotDone {
        let said = self.said.map(|said| format!(": {said}")).unwrap_or_default();
        let fault = |reason| Fault::new(reason, format!("{} answers {}{said}", self.api, self.status));
        match self.status {
            401 => NotDone::Forbidden(fault(Reason::PlatformUnauthorized)),
            403 => NotDone::Forbidden(fault(Reason::PlatformForbidden)),
            404 => NotDone::Refused(fault(Reason::PlatformNotFound)),
            429 => NotDone::Refused(fault(Reason::PlatformRateLimited)),
            408 | 500.. => NotDone::Unsure(fault(Reason::PlatformUnavailable)),
            _ => NotDone::Refused(fault(Reason::PlatformMalformed)),
        }
    }

    /// What it says in words, in lower case.
    pub(in crate::platform) fn words(&self) -> String {
        self.said.as_deref().unwrap_or_default().to_lowercase()
    }
}

impl Api {
    /// Makes one call that changes something.
    ///
    /// # Errors
    /// [`NotDone`] where no answer came: it may have been done all the same.
    pub(in crate::platform) async fn change(
        &self,
        operation: &str,
        method: Method,
        path: &Path<'_>,
        body: Option<&Value>,
    ) -> Result<Reply, NotDone> {
        // Nothing was sent.
        let url = self.url(path).map_err(NotDone::Refused)?;
        self.calls.count(self.name, operation);
        let mut request = self.client.request(method, url).timeout(PATIENCE);
        request = request.header(AUTHORIZATION, &self.token.header);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let began = Moment::now();
        let sent = request.send().await;
        let status = sent.as_ref().ok().map(|response| response.status().as_u16());
        self.calls.ended_with(self.name, operation, status, began.elapsed());
        let response = sent.map_err(|error| {
            let fault = self.unsent(&error);
            // Who could not even connect changed nothing.
            if error.is_connect() {
                NotDone::Refused(fault)
            } else {
                NotDone::Unsure(fault)
            }
        })?;
        let (status, headers) = (response.status(), response.headers().clone());
        self.note_clock(&headers);
        let read = self.read(response, MAX_REFUSAL).await;
        // What was answered counts by its status, also where the rest of it got lost.
        let bytes = read.map(|(bytes, _)| bytes).unwrap_or_default();
        let refuses = !status.is_success() && (self.refuses_token)(status.as_u16(), &bytes);
        let reply = Reply {
            status: status.as_u16(),
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
            said: said(&bytes),
            api: self.name,
        };
        match refuses {
            true => {
                let detail = format!("{} answers {}: the token is refused", self.name, reply.status);
                Err(NotDone::Forbidden(Fault::new(Reason::PlatformUnauthorized, detail)))
            }
            false => Ok(reply),
        }
    }
}
