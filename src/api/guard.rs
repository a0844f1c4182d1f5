//! Who is let in: without tokens everybody, with them whoever presents one that permits what is asked.
//!
//! A token comes in the field `Authorization` and nowhere else: a target stands in logs and histories. Invariant: what is
//! let in with a token that reaches less than everything executes through its `Gate`. It does not know where tokens are
//! kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use crate::access::{Gate, Grant, Role, Tokens};
use crate::model::Execute;

use super::audit::Audit;
use super::call::Otherwise;
use super::message::{Headers, Method, Response, Value};
use super::problem::{Kind, Problem};
use super::routes::{Needs, Operation};

/// The scheme of RFC 6750.
const SCHEME: &str = "Bearer";

/// Who is not let in.
struct Denied {
    /// What the token grants, if it is one of ours.
    grant: Option<Arc<Grant>>,
    problem: Problem,
}

/// Stands between requests and what executes their commands.
pub(super) struct Guard {
    execute: Arc<dyn Execute>,
    /// True when there are `tokens`: the only thing that a request looks at where there are none.
    is_on: AtomicBool,
    tokens: RwLock<Arc<Tokens>>,
}

impl Guard {
    /// Lets everybody in.
    pub(super) fn new(execute: Arc<dyn Execute>) -> Guard {
        Guard { execute, is_on: AtomicBool::new(false), tokens: RwLock::default() }
    }

    /// Asks for one of `tokens` from now on, unless there is none among them.
    pub(super) fn ask_for(&self, tokens: Tokens) {
        let is_on = !tokens.is_empty();
        *self.tokens.write() = Arc::new(tokens);
        self.is_on.store(is_on, Ordering::Release);
    }

    /// True when a token is asked for.
    #[inline]
    pub(super) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Acquire)
    }

    /// Executes for whom no token is asked of.
    #[inline]
    pub(super) fn unasked(&self) -> &Arc<dyn Execute> {
        &self.execute
    }

    /// Lets a call of `operation` in that presents a token which permits it, and writes down what came of an admin's.
    ///
    /// # Errors
    /// 401 without a token of ours, 403 with one that does not permit it; else what the call answers.
    #[cold]
    pub(super) fn admit(
        &self,
        operation: &Operation,
        (method, target): (Method, &str),
        headers: &dyn Headers,
        call: impl FnOnce(&Arc<dyn Execute>, Option<&Grant>) -> Result<Response, Otherwise>,
    ) -> Result<Response, Otherwise> {
        let answer = |grant: Option<&Arc<Grant>>| match grant {
            Some(grant) if grant.role < Role::Admin => {
                let gate: Arc<dyn Execute> = Arc::new(Gate::new(Arc::clone(grant), Arc::clone(&self.execute)));
                call(&gate, Some(grant))
            }
            _ => call(&self.execute, grant.map(|grant| &**grant)),
        };
        if operation.needs != Needs::Admin {
            let grant = self.grant(operation.needs, headers).map_err(|denied| denied.problem)?;
            return answer(grant.as_ref());
        }
        let audit = |grant: Option<&Grant>| {
            Audit::of(grant, format!("{} {}", method.name(), target.split('?').next().unwrap_or_default()))
        };
        match self.grant(operation.needs, headers) {
            Ok(grant) => audit(grant.as_deref()).follow(answer(grant.as_ref())),
            Err(Denied { grant: Some(grant), problem }) => {
                audit(Some(&grant)).write(problem.kind().status());
                Err(problem.into())
            }
            // Whoever has no token fills no log.
            Err(Denied { grant: None, problem }) => Err(problem.into()),
        }
    }

    /// What the token grants that `headers` present, when it permits what `needs` says; `None` when none is asked for.
    ///
    /// # Errors
    /// Why not.
    fn grant(&self, needs: Needs, headers: &dyn Headers) -> Result<Option<Arc<Grant>>, Denied> {
        let tokens = Arc::clone(&self.tokens.read());
        let role = match needs {
            Needs::Nothing => return Ok(None),
            _ if tokens.is_empty() => return Ok(None),
            Needs::Read | Needs::ReadAll => Role::Read,
            Needs::Write => Role::Write,
            Needs::Admin => Role::Admin,
        };
        let grant = presented(&tokens, headers).map_err(|problem| Denied { grant: None, problem })?;
        let permitted = grant.permits_role(role).and_then(|()| match needs {
            Needs::ReadAll | Needs::Admin => grant.permits_everything(),
            Needs::Nothing | Needs::Read | Needs::Write => Ok(()),
        });
        match permitted {
            Ok(()) => Ok(Some(grant)),
            Err(refusal) => Err(Denied { grant: Some(grant), problem: Problem::forbidden(refusal) }),
        }
    }
}

/// What the token grants that `headers` present.
///
/// # Errors
/// 401 when there is none, or none of `tokens`.
fn presented(tokens: &Tokens, headers: &dyn Headers) -> Result<Arc<Grant>, Problem> {
    let (mut fields, mut grant) = (0, None);
    headers.each("Authorization", &mut |value| {
        fields += 1;
        let token = value.trim().split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME));
        grant = token.and_then(|(_, token)| tokens.find(token.trim_start().as_bytes())).cloned();
    });
    match (fields, grant) {
        (0, _) => Err(Problem::new(Kind::TokenMissing, "this server answers only who presents a token")
            .hint("send the field Authorization: Bearer TOKEN, never the token in the target")
            .field("WWW-Authenticate", Value::Static(SCHEME))),
        (1, Some(grant)) => Ok(grant),
        _ => Err(Problem::new(Kind::TokenInvalid, "the field Authorization holds no token of this server")
            .hint("send it once, as Bearer TOKEN, with a token that was made for this server")
            .field("WWW-Authenticate", Value::Static("Bearer error=\"invalid_token\""))),
    }
}
