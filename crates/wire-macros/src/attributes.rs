// SPDX-License-Identifier: Apache-2.0
//! `#[wire(...)]` on a member.

use crate::structure::pascal;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{Attribute, Expr, ExprLit, Lit, LitStr, Result};

/// What the attributes of one member say.
#[derive(Default)]
pub(crate) struct MemberAttributes {
    pub(crate) name: Option<String>,
    /// How a list or a map stands in a form and in XML where each of its items is a member of its own.
    pub(crate) flat: Option<String>,
    pub(crate) location: Place,
    pub(crate) is_required: bool,
    pub(crate) has_default: bool,
    pub(crate) like: Option<Expr>,
    /// Calls on `Constraints`, in the order they were written.
    pub(crate) constraints: Vec<Tokens>,
}

#[derive(Default, PartialEq)]
pub(crate) enum Place {
    #[default]
    Body,
    Label,
    Query(String),
    Header(String),
    Payload,
    /// The events of a stream.
    Stream,
    /// The whole body, read as JSON.
    Document,
    Status,
}

/// How the names of members are spelt that say none of their own.
#[derive(Clone, Copy)]
pub(crate) enum Spelling {
    /// `LogGroupName`
    Pascal,
    /// `logGroupName`
    Camel,
}

impl Spelling {
    pub(crate) fn of(self, snake: &str) -> String {
        let name = pascal(snake);
        match self {
            Self::Pascal => name,
            Self::Camel => {
                let mut chars = name.chars();
                let first = chars.next().map(|first| first.to_ascii_lowercase());
                first.into_iter().chain(chars).collect()
            }
        }
    }
}

/// What the attributes of a structure say.
pub(crate) fn spelling(attributes: &[Attribute]) -> Result<Spelling> {
    let mut spelling = Spelling::Pascal;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("wire")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("camel") {
                return Err(meta.error("not an attribute of a structure"));
            }
            spelling = Spelling::Camel;
            Ok(())
        })?;
    }
    Ok(spelling)
}

pub(crate) fn parse(attributes: &[Attribute]) -> Result<MemberAttributes> {
    let mut parsed = MemberAttributes::default();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("wire")) {
        attribute.parse_nested_meta(|meta| {
            let word = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            match word.as_str() {
                "label" => parsed.location = Place::Label,
                "payload" => parsed.location = Place::Payload,
                "stream" => parsed.location = Place::Stream,
                "document" => parsed.location = Place::Document,
                "status" => parsed.location = Place::Status,
                "required" => parsed.is_required = true,
                "default" => parsed.has_default = true,
                "query" => parsed.location = Place::Query(text(&meta)?),
                "header" => parsed.location = Place::Header(text(&meta)?),
                "name" => parsed.name = Some(text(&meta)?),
                "flat" => parsed.flat = Some(text(&meta)?),
                "like" => parsed.like = Some(meta.value()?.parse()?),
                _ => parsed.constraints.push(constraint(&word, &meta)?),
            }
            Ok(())
        })?;
    }
    Ok(parsed)
}

fn text(meta: &syn::meta::ParseNestedMeta<'_>) -> Result<String> {
    Ok(meta.value()?.parse::<LitStr>()?.value())
}

fn constraint(word: &str, meta: &syn::meta::ParseNestedMeta<'_>) -> Result<Tokens> {
    Ok(match word {
        "sensitive" => quote!(.sensitive()),
        "length" => {
            let (min, max) = bounds(meta, quote!(0), quote!(usize::MAX))?;
            quote!(.length(#min, #max))
        }
        "range" => {
            let (min, max) = bounds(meta, quote!(i64::MIN), quote!(i64::MAX))?;
            quote!(.range(#min, #max))
        }
        "pattern" => {
            let pattern: Expr = meta.value()?.parse()?;
            match &pattern {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                    quote!(.pattern(::wire::pattern!(#text)))
                }
                path => quote!(.pattern(#path)),
            }
        }
        "one_of" => {
            let values: Expr = meta.value()?.parse()?;
            quote!(.one_of(&#values))
        }
        "each" => {
            let each: Expr = meta.value()?.parse()?;
            quote!(.each(&const { #each }))
        }
        "keys" => {
            let keys: Expr = meta.value()?.parse()?;
            quote!(.keys(&const { #keys }))
        }
        _ => return Err(meta.error("not an attribute of a member")),
    })
}

/// `"1..=64"`, `"1.."`, `"..=64"`
fn bounds(
    meta: &syn::meta::ParseNestedMeta<'_>,
    open_min: Tokens,
    open_max: Tokens,
) -> Result<(Tokens, Tokens)> {
    let written: LitStr = meta.value()?.parse()?;
    let text = written.value().replace('_', "");
    let bound = |text: &str, open: Tokens| match text {
        "" => Ok(open),
        number => {
            number.parse::<Tokens>().map_err(|_| syn::Error::new(written.span(), "not a number"))
        }
    };
    let (min, max) = text
        .split_once("..")
        .ok_or_else(|| syn::Error::new(written.span(), "bounds are written \"1..=64\""))?;
    Ok((bound(min, open_min)?, bound(max.trim_start_matches('='), open_max)?))
}
