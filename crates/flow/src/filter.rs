// SPDX-License-Identifier: Apache-2.0
//! Which facts a listener wants.

use crate::fact::{Fact, account_of};
use crate::place::{kind, name};
use serde::{Deserialize, Serialize};

/// What is not asked for is of any kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Of the source or of the target.
    pub account: Option<String>,
    /// The ARN of a function, which may be the source or the target, with whatever qualifier.
    pub function: Option<String>,
    /// The kind of the source, its ARN, or its name.
    pub source: Option<String>,
}

impl Filter {
    pub fn wants(&self, fact: &Fact) -> bool {
        let Self { account, function, source } = self;
        let is_of = |account: &String| {
            fact.account == *account || account_of(&fact.target) == Some(account)
        };
        let is_from = |source: &String| {
            [fact.source.as_str(), kind(&fact.source), name(&fact.source)].contains(&&**source)
        };
        let is_at = |arn: &String| {
            let is = |place: &str| {
                place.strip_prefix(&**arn).is_some_and(|end| end.is_empty() || end.starts_with(':'))
            };
            is(&fact.source) || is(&fact.target)
        };
        account.as_ref().is_none_or(is_of)
            && function.as_ref().is_none_or(is_at)
            && source.as_ref().is_none_or(is_from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    #[test]
    fn a_filter_wants_what_it_says() {
        let fact = Fact::new(
            "arn:aws:sqs:us-east-1:111111111111:orders",
            "arn:aws:lambda:us-east-1:222222222222:function:work:live",
            Outcome::Polled,
        );
        let check = |account: &str, function: &str, source: &str, expected: bool| {
            let asked = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let filter = Filter {
                account: asked(account),
                function: asked(function),
                source: asked(source),
            };
            assert_eq!(filter.wants(&fact), expected, "{filter:?}");
        };
        check("", "", "", true);
        check("111111111111", "", "", true);
        check("222222222222", "", "", true);
        check("333333333333", "", "", false);
        check("", "arn:aws:lambda:us-east-1:222222222222:function:work", "", true);
        check("", "arn:aws:lambda:us-east-1:222222222222:function:wor", "", false);
        check("", "", "queue", true);
        check("", "", "orders", true);
        check("", "", "arn:aws:sqs:us-east-1:111111111111:orders", true);
        check("", "", "order", false);
        check("", "", "function", false);
        check("111111111111", "", "topic", false);
    }
}
