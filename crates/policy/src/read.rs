// SPDX-License-Identifier: Apache-2.0
//! How a document becomes statements, and what it must have.

use crate::document::{Document, Effect, Kind, Set, Statement};
use crate::glob::Wildcards;
use crate::malformed::Malformed;
use crate::node::Node;
use crate::pattern::{Pattern, Spelling};
use crate::principal::Principals;
use crate::read_condition;

/// The version that knows variables.
const VERSION: &str = "2012-10-17";
const VERSION_BEFORE: &str = "2008-10-17";

const TRUST_ACTIONS: [&str; 7] = [
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:tagsession",
    "sts:setsourceidentity",
    "sts:setcontext",
    "sts:*",
];

pub(crate) fn document(text: &str, kind: Kind) -> Result<Document, Malformed> {
    let Ok(Node::Object(elements)) = serde_json::from_str(text) else {
        return Err(Malformed::Syntax);
    };
    let (mut version, mut list) = (VERSION_BEFORE.to_owned(), None);
    for (name, node) in elements {
        match (name.as_str(), node) {
            ("Version", Node::Text(text)) => version = text,
            ("Version", _) => return Err(Malformed::Version),
            ("Id", Node::Text(_)) => {}
            ("Statement", Node::List(items)) => list = Some(items),
            ("Statement", one @ Node::Object(_)) => list = Some(vec![one]),
            ("Id" | "Statement", _) => return Err(Malformed::Syntax),
            _ => return Err(Malformed::UnknownElement(name)),
        }
    }
    let has_variables = match version.as_str() {
        VERSION => true,
        VERSION_BEFORE => false,
        _ => return Err(Malformed::Version),
    };
    let list = list.filter(|list| !list.is_empty()).ok_or(Malformed::Syntax)?;
    let mut statements: Vec<Statement> = Vec::with_capacity(list.len());
    for node in list {
        let Node::Object(elements) = node else { return Err(Malformed::Syntax) };
        let statement = statement(&elements, kind, has_variables)?;
        if statement.sid.is_some() && statements.iter().any(|known| known.sid == statement.sid) {
            return Err(Malformed::SidTwice);
        }
        statements.push(statement);
    }
    Ok(Document { statements: statements.into() })
}

/// The elements of a statement, as they stand there.
#[derive(Default)]
struct Elements<'a> {
    sid: Option<&'a str>,
    effect: Option<Effect>,
    principals: Option<(&'a Node, bool)>,
    actions: Option<(&'a Node, bool)>,
    resources: Option<(&'a Node, bool)>,
    condition: Option<&'a Node>,
}

impl<'a> Elements<'a> {
    fn gather(elements: &'a [(String, Node)]) -> Result<Self, Malformed> {
        let mut found = Self::default();
        for (name, node) in elements {
            let (place, is_not) = match name.as_str() {
                "Sid" => {
                    let Node::Text(text) = node else { return Err(Malformed::Syntax) };
                    found.sid = Some(text);
                    continue;
                }
                "Effect" => {
                    found.effect = match node {
                        Node::Text(text) if text == "Allow" => Some(Effect::Allow),
                        Node::Text(text) if text == "Deny" => Some(Effect::Deny),
                        _ => return Err(Malformed::Syntax),
                    };
                    continue;
                }
                "Condition" => {
                    found.condition = Some(node);
                    continue;
                }
                "Principal" => (&mut found.principals, false),
                "NotPrincipal" => (&mut found.principals, true),
                "Action" => (&mut found.actions, false),
                "NotAction" => (&mut found.actions, true),
                "Resource" => (&mut found.resources, false),
                "NotResource" => (&mut found.resources, true),
                _ => return Err(Malformed::UnknownElement(name.clone())),
            };
            if place.replace((node, is_not)).is_some() {
                return Err(Malformed::Syntax);
            }
        }
        Ok(found)
    }
}

fn statement(
    elements: &[(String, Node)],
    kind: Kind,
    has_variables: bool,
) -> Result<Statement, Malformed> {
    let found = Elements::gather(elements)?;
    let effect = found.effect.ok_or(Malformed::Syntax)?;
    if let Some(sid) = found.sid
        && kind == Kind::Identity
        && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric())
    {
        return Err(Malformed::Sid);
    }
    let principals = principals(found.principals, kind, effect)?;
    let resources = match (kind, found.resources) {
        (Kind::Trust, Some(_)) => return Err(Malformed::ResourceGiven),
        (Kind::Identity, None) => return Err(Malformed::NoResource),
        (_, None) => None,
        (_, Some((node, is_not))) => Some(resources(node, is_not, has_variables)?),
    };
    let actions = actions(found.actions.ok_or(Malformed::NoAction)?, kind)?;
    let conditions = match found.condition {
        Some(node) => read_condition::conditions(node, has_variables)?,
        None => Box::default(),
    };
    let sid = found.sid.map(Into::into);
    Ok(Statement { sid, effect, principals, actions, resources, conditions })
}

fn principals(
    found: Option<(&Node, bool)>,
    kind: Kind,
    effect: Effect,
) -> Result<Option<Principals>, Malformed> {
    match (kind, found) {
        (Kind::Identity, None) => Ok(None),
        (Kind::Identity, Some(_)) => Err(Malformed::PrincipalGiven),
        (_, None) => Err(Malformed::NoPrincipal),
        (_, Some((_, true))) if effect == Effect::Allow => Err(Malformed::AllowNotPrincipal),
        (_, Some((node, is_not))) => Principals::read(node, is_not).map(Some),
    }
}

fn actions((node, is_not): (&Node, bool), kind: Kind) -> Result<Set, Malformed> {
    let texts = node.texts().ok_or(Malformed::Syntax)?;
    if texts.is_empty() {
        return Err(Malformed::NoAction);
    }
    let spelling = Spelling { wildcards: Some(Wildcards::Plain), has_variables: false };
    let mut patterns = Vec::with_capacity(texts.len());
    for text in texts {
        check_action(&text)?;
        if kind == Kind::Trust && !TRUST_ACTIONS.contains(&text.to_ascii_lowercase().as_str()) {
            return Err(Malformed::TrustAction);
        }
        patterns.push(Pattern::read(&text, spelling)?);
    }
    Ok(Set { is_not, patterns: patterns.into() })
}

fn check_action(text: &str) -> Result<(), Malformed> {
    if text == "*" {
        return Ok(());
    }
    let (vendor, name) = text.split_once(':').ok_or(Malformed::NoVendor)?;
    if name.contains(':') {
        return Err(Malformed::Colons);
    }
    let is_vendor = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if vendor.is_empty() || !vendor.bytes().all(is_vendor) {
        return Err(Malformed::Vendor(vendor.to_owned()));
    }
    if name.is_empty() {
        return Err(Malformed::NoVendor);
    }
    Ok(())
}

fn resources(node: &Node, is_not: bool, has_variables: bool) -> Result<Set, Malformed> {
    let texts = node.texts().ok_or(Malformed::Syntax)?;
    if texts.is_empty() {
        return Err(Malformed::NoResource);
    }
    let spelling = Spelling { wildcards: Some(Wildcards::InParts), has_variables };
    let mut patterns = Vec::with_capacity(texts.len());
    for text in texts {
        check_resource(&text)?;
        patterns.push(Pattern::read(&text, spelling)?);
    }
    Ok(Set { is_not, patterns: patterns.into() })
}

fn check_resource(text: &str) -> Result<(), Malformed> {
    if text == "*" {
        return Ok(());
    }
    let wrong = || Malformed::Resource(text.to_owned());
    let rest = text.strip_prefix("arn:").ok_or_else(wrong)?;
    let (partition, _) = rest.split_once(':').unwrap_or((rest, ""));
    let is_partition =
        matches!(partition, "aws" | "aws-cn" | "aws-us-gov") || partition.contains(['*', '?', '$']);
    if !is_partition {
        let partition = partition.to_owned();
        return Err(Malformed::Partition { partition, resource: text.to_owned() });
    }
    // A star may stand for the rest.
    if text.splitn(6, ':').count() < 6 && !text.ends_with('*') {
        return Err(wrong());
    }
    Ok(())
}
