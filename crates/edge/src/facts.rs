// SPDX-License-Identifier: Apache-2.0
//! The condition keys of a request. Each is worked out when a policy asks for it.

use crate::clock;
use crate::directory::{Entity, EntityKind};
use crate::guard::{Resources, ServiceCaller, account_of};
use http::header::{REFERER, USER_AGENT};
use http::{HeaderMap, HeaderName};
use policy::{Fact, Facts};
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use wire::{Access, Caller, Context};

/// Where a request came from.
#[derive(Debug)]
pub(crate) struct Origin {
    address: IpAddr,
    user_agent: Option<Box<str>>,
    referer: Option<Box<str>>,
}

impl Origin {
    /// Of a request that nobody made.
    pub(crate) const fn nowhere() -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), user_agent: None, referer: None }
    }

    pub(crate) fn of(address: IpAddr, headers: &HeaderMap) -> Self {
        let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(Into::into);
        Self { address, user_agent: text(USER_AGENT), referer: text(REFERER) }
    }
}

pub(crate) struct RequestFacts<'a> {
    pub(crate) cx: &'a Context,
    /// `None`: root, or nobody.
    pub(crate) entity: Option<&'a Entity>,
    pub(crate) service: Option<&'a ServiceCaller>,
    pub(crate) origin: &'a Origin,
    pub(crate) access: &'a Access,
    pub(crate) resources: Option<&'a dyn Resources>,
}

impl Facts for RequestFacts<'_> {
    fn find(&self, key: &str) -> Option<Fact<'_>> {
        match split(key) {
            Some(("aws", name)) => self.global(name).or_else(|| self.of_request(key)),
            _ => self.of_request(key),
        }
    }
}

impl RequestFacts<'_> {
    /// Keys that begin with `aws:`, but for those that come of the request's input.
    fn global(&self, name: &str) -> Option<Fact<'_>> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let (cx, entity) = (self.cx, self.entity);
        if let Some((kind, tag)) = name.split_once('/') {
            if kind.eq_ignore_ascii_case("ResourceTag") {
                return self.resources?.tag(&self.access.resource, tag).map(Fact::from);
            }
            let mut tags =
                entity?.tags.iter().filter(|_| kind.eq_ignore_ascii_case("PrincipalTag"));
            let (_, value) = tags.find(|(key, _)| key.eq_ignore_ascii_case(tag))?;
            return Some(Fact::from(value.as_str()));
        }
        Some(match () {
            () if is("PrincipalType") => Fact::from(self.principal_type()),
            () if is("PrincipalArn") => match entity {
                Some(entity) => Fact::from(entity.arn()),
                None => Fact::from(self.root()?.arn.as_str()),
            },
            () if is("PrincipalAccount") => match entity {
                Some(_) => Fact::from(cx.account.as_str()),
                None => Fact::from(self.root().map(|_| cx.account.as_str())?),
            },
            () if is("userid") => match entity {
                Some(_) => Fact::from(cx.caller.user_id.as_str()),
                None => Fact::from(self.root()?.user_id.as_str()),
            },
            () if is("username") => match &entity?.kind {
                EntityKind::User { name, .. } => Fact::from(name.as_str()),
                EntityKind::Root { .. } | EntityKind::Role { .. } => return None,
            },
            () if is("TokenIssueTime") => Fact::from(entity?.issued_at_s?.to_string()),
            () if is("SourceIp") => Fact::from(self.origin.address.to_canonical().to_string()),
            () if is("UserAgent") => Fact::from(self.origin.user_agent.as_deref()?),
            () if is("Referer") => Fact::from(self.origin.referer.as_deref()?),
            // Conditions take both forms of a moment.
            () if is("CurrentTime") || is("EpochTime") => {
                Fact::from(clock::epoch_seconds().to_string())
            }
            () if is("RequestedRegion") => Fact::from(cx.region.as_str()),
            () if is("ResourceAccount") => {
                let resource = &self.access.resource;
                match self.resources.and_then(|resources| resources.owner(resource)) {
                    Some(owner) => Fact::from(owner),
                    None => Fact::from(account_of(resource)?),
                }
            }
            () if is("SourceArn") => Fact::from(self.service?.source_arn.as_str()),
            () if is("SourceAccount") => Fact::from(self.service?.source_account.as_str()),
            () if is("PrincipalServiceName") => Fact::from(self.service?.name),
            () if is("PrincipalIsAWSService") => {
                Fact::from(if self.service.is_some() { "true" } else { "false" })
            }
            // There is no TLS yet, and no service that calls with the powers of a caller.
            () if is("SecureTransport") || is("ViaAWSService") => Fact::from("false"),
            () if is("MultiFactorAuthPresent") && entity?.issued_at_s.is_some() => {
                Fact::from("false")
            }
            () => return None,
        })
    }

    /// The caller, if it is an account's root.
    fn root(&self) -> Option<&Caller> {
        let caller = &self.cx.caller;
        let is_root = self.entity.is_none() && self.service.is_none() && !caller.arn.is_empty();
        is_root.then_some(caller)
    }

    fn principal_type(&self) -> &'static str {
        match self.entity {
            Some(entity) => entity.principal_type(),
            None if self.root().is_some() => "Account",
            None if self.service.is_some() => "Service",
            None => "Anonymous",
        }
    }

    /// Keys of the service, and of the tags in the request.
    fn of_request(&self, key: &str) -> Option<Fact<'_>> {
        let of_input = self.access.facts.iter().find(|(known, _)| known.eq_ignore_ascii_case(key));
        if let Some((_, values)) = of_input {
            return Some(match values.as_slice() {
                [value] => Fact::from(value.as_str()),
                values => {
                    Fact::Many(values.iter().map(|value| Cow::from(value.as_str())).collect())
                }
            });
        }
        self.resources?.fact(&self.access.resource, key).map(Fact::from)
    }
}

/// The service and the name of a key.
fn split(key: &str) -> Option<(&str, &str)> {
    let (service, name) = key.split_once(':')?;
    Some((if service.eq_ignore_ascii_case("aws") { "aws" } else { service }, name))
}
