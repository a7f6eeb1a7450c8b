//! Clients: how long those wait who send tasks from outside, and what they do then.

use super::{Backoff, Dist};

/// The patience of those who send tasks from outside. A client that has waited for so long gives its request up; the program knows nothing of that, and goes on
/// with it, unless the deadline travels with the request.
///
/// What has not completed (the client has given it up, or was answered that it was rejected, failed or timed out) may be sent again, as a new request that draws
/// its own demands. Each request is an arrival of its own, with an end of its own; the latency of one that is sent again runs from when the client sent
/// the first.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// How long a client waits for the answer to each request, above 0; `None`: for ever (`timeout` of requests and httpx).
    pub timeout: Option<Dist>,
    /// How often it sends a request again at most (`total` of urllib3's `Retry`).
    pub retries: u32,
    /// The pauses before that. The budget is one for all clients, as they are seen from here: [`Backoff::budget`].
    pub backoff: Backoff,
    /// Whether the deadline travels with the request (gRPC's `grpc-timeout`): whoever executes it gives it up when the client does, between two steps or
    /// where it waits, and does not begin one that nobody waits for any more. As if all its steps were those of a `Timeout`.
    pub propagate: bool,
}

impl Client {
    /// The same with every time multiplied.
    #[must_use]
    pub fn scaled(&self, by: f64) -> Self {
        Self {
            timeout: self.timeout.as_ref().map(|t| t.scaled(by)),
            backoff: self.backoff.scaled(by),
            ..self.clone()
        }
    }
}
