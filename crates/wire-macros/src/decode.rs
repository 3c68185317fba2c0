// SPDX-License-Identifier: Apache-2.0
//! What reads a structure: its draft, its build, and the binding of a request's head.

use crate::attributes::Place;
use crate::structure::{Declared, Member};
use proc_macro2::TokenStream as Tokens;
use quote::quote;

/// The draft of a structure, and `wire::Member`.
pub(crate) fn member(declared: &Declared) -> Tokens {
    let ident = &declared.ident;
    let fields = declared.members.iter().map(draft_field);
    let reads = declared.members.iter().map(read);
    let finals = declared.members.iter().map(|member| {
        let ident = &member.ident;
        match (member.is_option, member.is_required, member.has_default) {
            (true, false, _) => quote!(#ident),
            (true, true, _) => quote!(#ident: ::std::option::Option::Some(#ident?)),
            (false, _, true) => quote!(#ident: #ident.unwrap_or_default()),
            (false, _, false) => quote!(#ident: #ident?),
        }
    });
    quote! {
        #[derive(Debug, Default, ::wire::private::serde::Deserialize)]
        #[serde(crate = "::wire::private::serde")]
        pub struct Draft { #(#fields),* }

        impl ::wire::Member for #ident {
            type Draft = Draft;

            fn build(
                draft: Draft,
                at: &::wire::At<'_>,
                found: &mut ::wire::Violations,
            ) -> ::std::option::Option<Self> {
                let _ = (&draft, at, &found);
                #(#reads)*
                ::std::option::Option::Some(Self { #(#finals),* })
            }
        }
    }
}

fn draft_field(member: &Member) -> Tokens {
    let Member { ident, inner, name, .. } = member;
    let alias = member.flat_item().map(|item| quote!(, alias = #item));
    let serde = match member.place {
        Place::Body => quote!(#[serde(rename = #name #alias)]),
        _ => quote!(#[serde(skip)]),
    };
    quote!(#serde #ident: ::std::option::Option<<#inner as ::wire::Member>::Draft>)
}

fn read(member: &Member) -> Tokens {
    let Member { ident, inner, name, constraints, .. } = member;
    let read = if member.is_required { quote!(read_required) } else { quote!(read) };
    quote! {
        let #ident = ::wire::private::#read::<#inner>(draft.#ident, &#constraints, &at.member(#name), found);
    }
}

/// `wire::Input`: where labels, query members, headers and the payload go.
pub(crate) fn input(declared: &Declared) -> Tokens {
    let ident = &declared.ident;
    let has_body = declared.has_body();
    let binds = declared.members.iter().map(bind);
    quote! {
        impl ::wire::Input for #ident {
            const HAS_BODY: bool = #has_body;

            fn bind(
                draft: &mut Draft,
                head: &::wire::Head<'_>,
                payload: ::wire::private::Bytes,
            ) -> ::wire::Result<()> {
                let _ = (&draft, head, &payload);
                #(#binds)*
                ::std::result::Result::Ok(())
            }
        }
    }
}

fn bind(member: &Member) -> Tokens {
    let Member { ident, name, .. } = member;
    match &member.place {
        Place::Body | Place::Status | Place::Stream => Tokens::new(),
        Place::Label => quote!(draft.#ident = head.label(#name)?;),
        Place::Query(name) => quote!(draft.#ident = head.query(#name)?;),
        Place::Header(name) => {
            let name = name.to_ascii_lowercase();
            quote! {{
                static NAME: ::wire::private::HeaderName = ::wire::private::HeaderName::from_static(#name);
                draft.#ident = head.header(&NAME)?;
            }}
        }
        Place::Document => quote!(draft.#ident = ::wire::private::read_document(&payload)?;),
        Place::Payload => quote!(draft.#ident = ::std::option::Option::Some(payload.into());),
    }
}
