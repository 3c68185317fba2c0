// SPDX-License-Identifier: Apache-2.0
//! Whether a caller may do what it asks for: policies of the caller, of the resource, and the mode that the operator chose.
//!
//! `wire`'s dispatch asks before each call, and what it asks is decided here. Within its account root is bound by nothing but what
//! policies of resources deny; across accounts it is asked about as everyone.

use crate::directory::{Entity, EntityKind, Powers, Signer};
use crate::facts::{Origin, RequestFacts};
use policy::{Answer, Decision, Facts, Named, Principal, Request, Source, Sources};
use std::borrow::Cow;
use std::sync::Arc;
use wire::{Access, Authority, Authorize, Context};

/// How policies are applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// What no policy allows is refused.
    #[default]
    Enforce,
    /// What would be refused is logged and done, within the caller's account.
    Warn,
    /// Every key may do everything in its account.
    Off,
}

/// Resources of a service: what a decision about one of them needs. From memory, as [`crate::Directory`].
pub trait Resources: Send + Sync + 'static {
    /// The policies that are attached to it.
    fn policies(&self, arn: &str) -> Vec<Named>;

    /// Those that have a say only where a service calls.
    fn policies_for_services(&self, arn: &str) -> Vec<Named> {
        let _ = arn;
        Vec::new()
    }

    /// A tag of it, in letters of either case.
    fn tag(&self, arn: &str, key: &str) -> Option<String>;

    /// Its whole ARN, where requests name it by less: a role without its path.
    fn whole_arn(&self, arn: &str) -> Option<String> {
        let _ = arn;
        None
    }

    /// The account that owns it, where its ARN does not say: a bucket and what is in it.
    fn owner(&self, arn: &str) -> Option<String> {
        let _ = arn;
        None
    }

    /// Whether any of these policies may deny something. Asked for each call of root, so it has to be known.
    fn may_deny(&self) -> bool {
        false
    }

    /// A condition key of the service that says something of it: `lambda:FunctionArn`, in letters of either case.
    fn fact(&self, arn: &str, key: &str) -> Option<String>;
}

/// What decides for all requests of a server.
#[derive(Default)]
pub(crate) struct Guard {
    pub(crate) mode: Mode,
    /// By the service in their ARNs.
    pub(crate) resources: Vec<(&'static str, Arc<dyn Resources>)>,
}

/// A caller that is asked about, for one request.
struct Bound {
    guard: Arc<Guard>,
    who: Who,
    origin: Origin,
}

/// Whom they bind.
enum Who {
    Held(Arc<Entity>),
    /// The policies of others' resources, and of its own those that deny.
    Root,
    /// Root, where nobody asks about it in its own account.
    FreeRoot,
    /// Whoever did not sign.
    Nobody,
    /// Whoever did not sign, and is taken for one of the account: the mode is for such, too.
    Guest,
    Service(ServiceCaller),
}

/// A service of this server, which calls for a resource.
pub(crate) struct ServiceCaller {
    /// `sns.amazonaws.com`
    pub(crate) name: &'static str,
    /// The same with the region of the resource, if that is of one.
    pub(crate) regional_name: String,
    pub(crate) source_arn: String,
    pub(crate) source_account: String,
}

impl Who {
    fn entity(&self) -> Option<&Entity> {
        match self {
            Self::Held(entity) => Some(entity),
            Self::Root | Self::FreeRoot | Self::Nobody | Self::Guest | Self::Service(_) => None,
        }
    }

    fn service(&self) -> Option<&ServiceCaller> {
        match self {
            Self::Service(service) => Some(service),
            Self::Held(_) | Self::Root | Self::FreeRoot | Self::Nobody | Self::Guest => None,
        }
    }

    /// The account for which it calls.
    fn account<'a>(&'a self, cx: &'a Context) -> &'a str {
        self.service().map_or(cx.account.as_str(), |service| &service.source_account)
    }

    fn principal<'a>(&'a self, account: &'a str) -> Principal<'a> {
        match self {
            Self::Held(entity) => entity.principal(account),
            Self::Root | Self::FreeRoot => Principal::Root { account },
            Self::Nobody | Self::Guest => Principal::Anonymous,
            Self::Service(service) => Principal::Service(&service.regional_name),
        }
    }

    fn sources<'a>(&'a self, resource: &'a [Named]) -> Sources<'a> {
        match self {
            Self::Held(entity) => entity.sources(resource),
            Self::Root | Self::FreeRoot | Self::Nobody | Self::Guest | Self::Service(_) => {
                Sources { resource, ..Sources::default() }
            }
        }
    }
}

impl Guard {
    /// What the signer of a request may do. `origin` is asked for only where policies may need it.
    pub(crate) fn authority(
        self: &Arc<Self>,
        signer: Signer,
        has_several_accounts: bool,
        origin: impl FnOnce() -> Origin,
    ) -> Authority {
        self.authority_of(signer.powers, has_several_accounts, origin)
    }

    /// The same by what somebody may do.
    pub(crate) fn authority_of(
        self: &Arc<Self>,
        powers: Powers,
        has_several_accounts: bool,
        origin: impl FnOnce() -> Origin,
    ) -> Authority {
        let who = match powers {
            Powers::Root if self.may_deny() => Who::Root,
            // There is nothing that it could be kept from.
            Powers::Root if !has_several_accounts => return Authority::Full,
            Powers::Root => Who::FreeRoot,
            Powers::Held(entity) => Who::Held(entity),
        };
        Authority::Limited(Arc::new(Bound { guard: Arc::clone(self), who, origin: origin() }))
    }

    /// What a guest of one account may do, who did not sign.
    pub(crate) fn authority_of_guest(self: &Arc<Self>, origin: Origin) -> Authority {
        Authority::Limited(Arc::new(Bound { guard: Arc::clone(self), who: Who::Guest, origin }))
    }

    /// What a service may do: what the policies of resources say that it may.
    pub(crate) fn authority_of_service(self: &Arc<Self>, service: ServiceCaller) -> Authority {
        let (who, origin) = (Who::Service(service), Origin::nowhere());
        Authority::Limited(Arc::new(Bound { guard: Arc::clone(self), who, origin }))
    }

    /// The same for a service whose resources may be of any account, and may be everyone's. `None` did not sign.
    pub(crate) fn authority_over_all(
        self: &Arc<Self>,
        powers: Option<Powers>,
        origin: Origin,
    ) -> Authority {
        let who = match powers {
            Some(Powers::Held(entity)) => Who::Held(entity),
            Some(Powers::Root) => Who::Root,
            None => Who::Nobody,
        };
        Authority::Limited(Arc::new(Bound { guard: Arc::clone(self), who, origin }))
    }

    fn may_deny(&self) -> bool {
        self.resources.iter().any(|(_, resources)| resources.may_deny())
    }

    fn resources_of(&self, arn: &str) -> Option<&dyn Resources> {
        let service = arn.split(':').nth(2)?;
        let (_, resources) = self.resources.iter().find(|(name, _)| *name == service)?;
        Some(&**resources)
    }
}

/// The account in ARNs of what AWS made for everybody, as its managed policies. Nobody could let others use them.
const EVERYONES: &str = "aws";

/// A resource that a call is for, and what of it has a say.
pub(crate) struct Case<'a> {
    pub(crate) resources: Option<&'a dyn Resources>,
    /// Its whole ARN.
    pub(crate) resource: Cow<'a, str>,
    /// Whose it is: the caller's account's, where its ARN says none or it is AWS's.
    pub(crate) account: String,
    pub(crate) attached: Vec<Named>,
}

impl<'a> Case<'a> {
    pub(crate) fn new(guard: &'a Guard, cx: &Context, access: &'a Access) -> Self {
        let resources = guard.resources_of(&access.resource);
        let whole = resources.and_then(|resources| resources.whole_arn(&access.resource));
        let resource = whole.map_or(Cow::Borrowed(access.resource.as_str()), Cow::Owned);
        let attached = resources.map(|resources| resources.policies(&resource)).unwrap_or_default();
        let owner = resources.and_then(|resources| resources.owner(&resource));
        let account = owner.unwrap_or_else(|| {
            let written = account_of(&resource).filter(|account| *account != EVERYONES);
            written.unwrap_or(cx.account.as_str()).to_owned()
        });
        Self { resources, resource, account, attached }
    }

    pub(crate) fn request<'r>(
        &'r self,
        principal: Principal<'r>,
        action: &'r str,
        facts: &'r dyn Facts,
    ) -> Request<'r> {
        Request {
            principal,
            action,
            resource: &self.resource,
            resource_account: &self.account,
            facts,
        }
    }
}

impl Bound {
    /// Whether nobody asks about it in its own account. A role has to trust root, too.
    fn is_free(&self, action: &str) -> bool {
        self.guard.mode == Mode::Off
            || match self.who {
                Who::FreeRoot => !policy::needs_trust(action),
                Who::Root => unlocks(action),
                Who::Held(_) | Who::Nobody | Who::Guest | Who::Service(_) => false,
            }
    }
}

impl Authorize for Bound {
    fn authorize(&self, cx: &Context, action: &str, access: &Access) -> Result<(), String> {
        let (is_free, account) = (self.is_free(action), self.who.account(cx));
        if is_free && account_of(&access.resource) == Some(account) {
            return Ok(());
        }
        let mut case = Case::new(&self.guard, cx, access);
        if let (Some(resources), Who::Service(_)) = (case.resources, &self.who) {
            case.attached.extend(resources.policies_for_services(&case.resource));
        }
        let is_own = case.account == account && !matches!(self.who, Who::Nobody);
        if is_own && is_free {
            return Ok(());
        }
        let (entity, service, origin) = (self.who.entity(), self.who.service(), &self.origin);
        let facts = RequestFacts { cx, entity, service, origin, access, resources: case.resources };
        let request = case.request(self.who.principal(cx.account.as_str()), action, &facts);
        let decision = policy::evaluate(&request, &self.who.sources(&case.attached));
        if decision.is_allowed() {
            return Ok(());
        }
        let sentence = sentence(&cx.caller.arn, action, &case.resource, &decision);
        // Nothing crosses accounts but by policy, whatever the mode.
        if self.guard.mode == Mode::Warn && is_own {
            tracing::warn!(request_id = %cx.request_id, denial = sentence, "call would be denied");
            return Ok(());
        }
        Err(sentence)
    }
}

impl Entity {
    /// `Account`, `User` or `AssumedRole`
    pub(crate) const fn principal_type(&self) -> &'static str {
        match self.kind {
            EntityKind::Root { .. } => "Account",
            EntityKind::User { .. } => "User",
            EntityKind::Role { .. } => "AssumedRole",
        }
    }

    /// The user's ARN, root's, or that of the session's role.
    pub(crate) fn arn(&self) -> &str {
        match &self.kind {
            EntityKind::Root { arn }
            | EntityKind::User { arn, .. }
            | EntityKind::Role { arn, .. } => arn,
        }
    }
}

/// What an account's root always may: without it a policy that denies everything would lock everybody out of its resource.
pub(crate) fn unlocks(action: &str) -> bool {
    [
        "events:PutPermission",
        "events:RemovePermission",
        "s3:DeleteBucketPolicy",
        "s3:GetBucketPolicy",
        "s3:PutBucketPolicy",
        "sns:AddPermission",
        "sns:GetTopicAttributes",
        "sns:RemovePermission",
        "sns:SetTopicAttributes",
        "sqs:AddPermission",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:RemovePermission",
        "sqs:SetQueueAttributes",
    ]
    .contains(&action)
}

/// The account in an ARN, where it has one.
pub(crate) fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}

/// What a service is called where it calls for a resource of some region: `logs.eu-west-1.amazonaws.com`.
pub(crate) fn regional(service: &str, source_arn: &str) -> String {
    match (service.split_once('.'), source_arn.split(':').nth(3)) {
        (Some((name, domain)), Some(region)) if !region.is_empty() => {
            format!("{name}.{region}.{domain}")
        }
        _ => service.to_owned(),
    }
}

/// The denial as AWS writes it.
pub(crate) fn sentence(caller: &str, action: &str, resource: &str, decision: &Decision) -> String {
    let denied =
        format!("User: {caller} is not authorized to perform: {action} on resource: {resource}");
    let kind = kind(decision.source);
    match decision.answer {
        Answer::ExplicitDeny => {
            format!("{denied} with an explicit deny in {} {kind}", article(decision.source))
        }
        Answer::ImplicitDeny | Answer::Allow => {
            format!("{denied} because no {kind} allows the {action} action")
        }
    }
}

/// Whose policies, as denials call them.
pub(crate) const fn kind(source: Source) -> &'static str {
    match source {
        Source::Identity => "identity-based policy",
        Source::Resource => "resource-based policy",
        Source::Boundary => "permissions boundary",
        Source::Session => "session policy",
    }
}

/// Before one of that kind.
pub(crate) const fn article(source: Source) -> &'static str {
    match source {
        Source::Identity => "an",
        Source::Resource | Source::Boundary | Source::Session => "a",
    }
}
