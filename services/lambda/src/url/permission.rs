// SPDX-License-Identifier: Apache-2.0
//! Who may call a function by its URL: whoever may invoke both the URL and the function.

use api::lambda::FunctionUrlAuthType;
use names::AccountId;
use policy::{Document, FactList, Kind, Named, Principal, Request, Sources};
use std::fmt;
use std::net::IpAddr;
use wire::Caller;

const ACTIONS: [&str; 2] = ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"];

/// Who signed a request to a function URL, and what they may do.
pub trait UrlCaller: fmt::Debug + Send + Sync {
    fn account(&self) -> &AccountId;
    fn caller(&self) -> &Caller;
    fn principal(&self) -> Principal<'_>;
    /// Their own policies, and those of the resource.
    fn sources<'a>(&'a self, resource: &'a [Named]) -> Sources<'a>;
}

/// A call that wants to be let in.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// Of the function or the alias that has the URL.
    pub(crate) arn: &'a str,
    pub(crate) account: &'a AccountId,
    pub(crate) auth_type: FunctionUrlAuthType,
    pub(crate) source: IpAddr,
    /// `None`: nobody signed.
    pub(crate) caller: Option<&'a dyn UrlCaller>,
}

impl Entry<'_> {
    /// Whether the resource's policy, and the caller's own, let it in. A policy that can not be read lets nobody in.
    pub(crate) fn is_allowed(&self, policy: Option<String>) -> bool {
        let named = |text: String| {
            let document = Document::parse(&text, Kind::Resource)?.into();
            Ok::<_, policy::Malformed>(Named { name: "resource policy".into(), document })
        };
        let Ok(resource) = policy.map(named).into_iter().collect::<Result<Vec<_>, _>>() else {
            return false;
        };
        let (principal, sources) = match self.caller {
            Some(caller) => (caller.principal(), caller.sources(&resource)),
            None => (Principal::Anonymous, Sources { resource: &resource, ..Sources::default() }),
        };
        let facts = self.facts();
        ACTIONS.iter().all(|action| {
            let request = Request {
                principal,
                action,
                resource: self.arn,
                resource_account: self.account.as_str(),
                facts: &facts,
            };
            policy::evaluate(&request, &sources).is_allowed()
        })
    }

    fn facts(&self) -> FactList {
        let mut facts = FactList::from_iter([
            ("lambda:FunctionUrlAuthType", self.auth_type.as_str()),
            ("lambda:InvokedViaFunctionUrl", "true"),
            ("aws:SecureTransport", "false"),
        ]);
        facts.add("aws:SourceIp", self.source.to_string());
        if let Some(caller) = self.caller {
            facts.add("aws:PrincipalArn", caller.caller().arn.as_str());
            facts.add("aws:PrincipalAccount", caller.account().as_str());
            facts.add("aws:userid", caller.caller().user_id.as_str());
        }
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:hello";

    #[derive(Debug)]
    struct User(AccountId, Caller);

    impl UrlCaller for User {
        fn account(&self) -> &AccountId {
            &self.0
        }

        fn caller(&self) -> &Caller {
            &self.1
        }

        fn principal(&self) -> Principal<'_> {
            Principal::User { account: self.0.as_str(), arn: &self.1.arn }
        }

        fn sources<'a>(&'a self, resource: &'a [Named]) -> Sources<'a> {
            Sources { resource, ..Sources::default() }
        }
    }

    fn is_allowed(
        auth_type: FunctionUrlAuthType,
        caller: Option<&dyn UrlCaller>,
        statements: &[serde_json::Value],
    ) -> bool {
        let account = "000000000000".parse().unwrap();
        let source = "127.0.0.1".parse().unwrap();
        let entry = Entry { arn: ARN, account: &account, auth_type, source, caller };
        let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        entry.is_allowed((!statements.is_empty()).then_some(policy))
    }

    fn statement(action: &str, principal: &str, condition: serde_json::Value) -> serde_json::Value {
        json!({"Effect": "Allow", "Principal": principal, "Action": action, "Resource": ARN, "Condition": condition})
    }

    #[test]
    fn both_permissions_are_needed() {
        let auth = json!({"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}});
        let by_url = json!({"Bool": {"lambda:InvokedViaFunctionUrl": "true"}});
        let url = statement("lambda:InvokeFunctionUrl", "*", auth);
        let function = statement("lambda:InvokeFunction", "*", by_url);
        let open = |statements: &[serde_json::Value]| {
            is_allowed(FunctionUrlAuthType::None, None, statements)
        };
        assert!(open(&[url.clone(), function.clone()]));
        assert!(!open(&[]));
        assert!(!open(std::slice::from_ref(&url)));
        assert!(!open(std::slice::from_ref(&function)));
        let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "lambda:*", "Resource": ARN, "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}});
        assert!(!open(&[url.clone(), function.clone(), deny]));
        // What is for open URLs is not for those where callers sign.
        assert!(!is_allowed(FunctionUrlAuthType::AwsIam, None, &[url, function]));
    }

    #[test]
    fn a_user_who_signed_is_meant_by_name() {
        let arn = "arn:aws:iam::000000000000:user/u";
        let caller = Caller {
            arn: arn.to_owned(),
            user_id: "AIDA".to_owned(),
            access_key_id: "AKIA".to_owned(),
        };
        let user = User("000000000000".parse().unwrap(), caller);
        let of = |arn: &str| json!({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]});
        let signed = |statement| is_allowed(FunctionUrlAuthType::AwsIam, Some(&user), &[statement]);
        assert!(signed(of(arn)));
        assert!(!signed(of("arn:aws:iam::000000000000:user/other")));
        assert!(!is_allowed(FunctionUrlAuthType::AwsIam, Some(&user), &[]));
    }
}
