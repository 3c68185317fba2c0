// SPDX-License-Identifier: Apache-2.0
//! What writes a structure: `Serialize` for the body, the head of a response, and `Deserialize` for
//! what was stored.

use crate::attributes::Place;
use crate::structure::{Declared, Member};
use proc_macro2::TokenStream as Tokens;
use quote::quote;

fn body_members(declared: &Declared) -> impl Iterator<Item = &Member> {
    declared.members.iter().filter(|member| member.place == Place::Body)
}

pub(crate) fn serialize(declared: &Declared) -> Tokens {
    let ident = &declared.ident;
    let name = ident.to_string();
    let count = declared.members.len().max(1);
    let fields = body_members(declared).map(|member| {
        let Member { ident, name, .. } = member;
        if member.is_option {
            quote! {
                if let ::std::option::Option::Some(value) = &self.#ident {
                    fields.serialize_field(#name, value)?;
                }
            }
        } else {
            quote!(fields.serialize_field(#name, &self.#ident)?;)
        }
    });
    quote! {
        impl ::wire::private::serde::Serialize for #ident {
            fn serialize<S: ::wire::private::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                use ::wire::private::serde::ser::SerializeStruct as _;
                let mut fields = serializer.serialize_struct(#name, #count)?;
                let _ = &mut fields;
                #(#fields)*
                fields.end()
            }
        }
    }
}

/// Nothing for an output with members in the head: there is no body that could hold it.
pub(crate) fn deserialize(declared: &Declared) -> Tokens {
    if declared.members.iter().any(|member| member.place != Place::Body) {
        return Tokens::new();
    }
    let ident = &declared.ident;
    let fields = declared.members.iter().map(|member| {
        let Member { ident, ty, name, .. } = member;
        let default = member.has_default.then(|| quote!(, default));
        quote!(#[serde(rename = #name #default)] #ident: #ty)
    });
    let idents: Vec<_> = declared.members.iter().map(|member| &member.ident).collect();
    quote! {
        #[derive(::wire::private::serde::Deserialize)]
        #[serde(crate = "::wire::private::serde")]
        struct Stored { #(#fields),* }

        impl<'de> ::wire::private::serde::Deserialize<'de> for #ident {
            fn deserialize<D: ::wire::private::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                let Stored { #(#idents),* } =
                    <Stored as ::wire::private::serde::Deserialize<'de>>::deserialize(deserializer)?;
                ::std::result::Result::Ok(Self { #(#idents),* })
            }
        }
    }
}

pub(crate) fn output(declared: &Declared) -> Tokens {
    let ident = &declared.ident;
    let has_body = declared.has_body();
    let status =
        declared.members.iter().find(|member| member.place == Place::Status).map(|member| {
            let ident = &member.ident;
            let status =
                if member.is_option { quote!(self.#ident) } else { quote!(Some(self.#ident)) };
            quote!(fn status(&self) -> ::std::option::Option<u16> { #status })
        });
    let payload =
        declared.members.iter().find(|member| member.place == Place::Payload).map(|member| {
            let ident = &member.ident;
            let value =
                if member.is_option { quote!(value.unwrap_or_default()) } else { quote!(value) };
            quote! {
                fn take_payload(&mut self) -> ::std::option::Option<::wire::private::Bytes> {
                    let value = ::std::mem::take(&mut self.#ident);
                    ::std::option::Option::Some(::wire::Blob::into_bytes(#value))
                }
            }
        });
    let stream =
        declared.members.iter().find(|member| member.place == Place::Stream).map(|member| {
            let ident = &member.ident;
            let value = if member.is_option { quote!(value?) } else { quote!(value) };
            quote! {
                fn take_stream(&mut self) -> ::std::option::Option<::wire::Pieces> {
                    let value = ::std::mem::take(&mut self.#ident);
                    ::std::option::Option::Some(::wire::EventStream::into_pieces(#value))
                }
            }
        });
    let headers = headers(declared);
    quote! {
        impl ::wire::Output for #ident {
            const HAS_BODY: bool = #has_body;
            #status
            #payload
            #stream
            #headers
        }
    }
}

fn headers(declared: &Declared) -> Option<Tokens> {
    let writes: Vec<_> = declared
        .members
        .iter()
        .filter_map(|member| {
            let Place::Header(name) = &member.place else { return None };
            let (ident, name) = (&member.ident, name.to_ascii_lowercase());
            let value = if member.is_option { quote!(&self.#ident) } else { quote!(Some(&self.#ident)) };
            Some(quote! {{
                static NAME: ::wire::private::HeaderName = ::wire::private::HeaderName::from_static(#name);
                if let ::std::option::Option::Some(value) = #value {
                    ::wire::private::write_header(headers, &NAME, value.as_str())?;
                }
            }})
        })
        .collect();
    (!writes.is_empty()).then(|| {
        quote! {
            fn write_headers(&self, headers: &mut ::wire::private::HeaderMap) -> ::wire::Result<()> {
                #(#writes)*
                ::std::result::Result::Ok(())
            }
        }
    })
}
