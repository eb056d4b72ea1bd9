//! What follows on an attempt that gave no answer.

use std::time::{Duration, Instant};

use cutover_domain::OnFailure;
use http::{HeaderValue, Response, StatusCode, header};

use super::{Failed, Relay};
use crate::{
    http::{Refused, Unanswerable, answer::Answer},
    live::Patience,
    upstream::{AttemptError, BodyFault, Delivery},
};

/// What to do next.
pub(super) enum Next {
    /// The same upstream again, after a pause.
    Again(Duration),
    /// Legacy, once.
    Legacy,
    /// This is the answer.
    GiveUp,
}

impl Relay {
    /// Decides what follows, and takes the body back if that is another attempt.
    pub(super) fn next(&mut self, failed: &Failed, patience: &Patience) -> Next {
        let next = match self.can_repeat() {
            true => self.remedy(failed, patience),
            false => Next::GiveUp,
        };
        if let (Next::Again(_) | Next::Legacy, Some(upload)) = (&next, &self.exchange.upload) {
            upload.take_back();
        }
        next
    }

    fn remedy(&mut self, failed: &Failed, patience: &Patience) -> Next {
        let undelivered = match failed {
            Failed::Error(error) => error.delivery() == Delivery::No,
            Failed::Unavailable(_) => false,
        };
        let is_stale = matches!(failed, Failed::Error(error) if error.is_stale_connection());
        if is_stale && !self.insists_new && (undelivered || self.is_idempotent()) {
            self.insists_new = true;
            return Next::Again(Duration::ZERO);
        }
        match self.exchange.on_failure {
            OnFailure::AnswerByLegacy if !self.exchange.is_fallback => Next::Legacy,
            OnFailure::RetryNew => self.again(patience),
            OnFailure::RetryNewIfUndelivered if undelivered => self.again(patience),
            _ => Next::GiveUp,
        }
    }

    /// New once more, as long as the time for its answer lasts.
    fn again(&mut self, patience: &Patience) -> Next {
        let now = Instant::now();
        let whole = patience.connect + patience.first_byte;
        let deadline = *self.deadline.get_or_insert_with(|| self.exchange.start + whole);
        match self.retries.next().filter(|pause| now + **pause < deadline) {
            Some(pause) => {
                self.exchange.live_route().metrics.retries.inc();
                Next::Again(*pause)
            }
            None => Next::GiveUp,
        }
    }

    /// From here on legacy answers for new.
    pub(super) fn turn_to_legacy(&mut self) {
        let route = self.exchange.route.expect("only a route has a fallback");
        self.exchange.is_fallback = true;
        self.upstream = self.exchange.live.table.routes[route].legacy;
        self.insists_new = false;
    }

    /// The answer when nothing is left to try.
    pub(super) fn give_up(mut self, failed: &Failed) -> Result<Response<Answer>, Unanswerable> {
        if let Some(fault) = self.exchange.upload.as_ref().and_then(|upload| upload.fault()) {
            return self.client_fault(fault);
        }
        let (mut status, code, message) = match failed {
            Failed::Error(error) if error.is_timeout() => {
                self.exchange.is_timeout = true;
                (StatusCode::GATEWAY_TIMEOUT, error.code(), "the upstream did not answer in time")
            }
            Failed::Error(error @ AttemptError::Full(_)) => {
                let message = "the upstream has all the connections that it may have";
                (StatusCode::SERVICE_UNAVAILABLE, error.code(), message)
            }
            Failed::Error(error) => {
                (StatusCode::BAD_GATEWAY, error.code(), "the upstream could not be asked")
            }
            Failed::Unavailable(status) => {
                (*status, "upstream_unavailable", "the upstream is not available")
            }
        };
        let owned_by_new = matches!(
            self.exchange.on_failure,
            OnFailure::RetryNew | OnFailure::RetryNewIfUndelivered
        );
        if owned_by_new {
            status = StatusCode::SERVICE_UNAVAILABLE;
        }
        self.exchange.failure = Some(code);
        self.exchange.status = Some(status);
        let mut response = Answer::text(status, code, message, Some(self.exchange));
        if owned_by_new || status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Ok(response)
    }

    /// The client's body failed: told if the client can still read, else the connection ends.
    fn client_fault(self, fault: BodyFault) -> Result<Response<Answer>, Unanswerable> {
        let guard = self.exchange.connection.guard.as_ref();
        let can_read = match fault {
            BodyFault::TooLong | BodyFault::Slow => true,
            // An HTTP/2 stream that broke is gone.
            BodyFault::Broken | BodyFault::Superseded => {
                guard.is_some_and(|guard| guard.refused().is_some())
            }
        };
        match can_read {
            true => Ok(Refused::from(fault).answer(self.exchange)),
            false => Err(Unanswerable),
        }
    }

    /// Whether what was sent can be sent again: parts not moved away, body still kept.
    fn can_repeat(&self) -> bool {
        let upload = self.exchange.upload.as_ref();
        !self.is_spent && upload.is_none_or(|upload| upload.can_repeat())
    }

    /// New's 502, 503 and 504 count as no answer, where there is something to do about it.
    pub(super) fn is_unavailable(&self, status: StatusCode) -> bool {
        let gone = matches!(
            status,
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        );
        let remedy = match self.exchange.on_failure {
            OnFailure::AnswerByLegacy => !self.exchange.is_fallback,
            OnFailure::RetryNew => true,
            OnFailure::PassOn | OnFailure::RetryNewIfUndelivered => false,
        };
        gone && remedy && self.can_repeat()
    }
}
