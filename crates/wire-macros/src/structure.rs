// SPDX-License-Identifier: Apache-2.0
//! A struct with its members' attributes, and the constants of its declaration.

use crate::attributes::{self, Place, Spelling};
use proc_macro2::{Ident, TokenStream as Tokens};
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Fields, GenericArgument, PathArguments, Result, Type};

pub(crate) struct Declared {
    pub(crate) ident: Ident,
    pub(crate) members: Vec<Member>,
}

pub(crate) struct Member {
    pub(crate) ident: Ident,
    /// As written: `Option<String>`.
    pub(crate) ty: Type,
    /// Without the `Option`.
    pub(crate) inner: Type,
    pub(crate) is_option: bool,
    pub(crate) is_required: bool,
    pub(crate) has_default: bool,
    /// AWS's name.
    pub(crate) name: String,
    /// `Tag.Key`, as it was declared.
    flat: Option<String>,
    pub(crate) place: Place,
    /// The constant that holds its constraints.
    pub(crate) constraints: Ident,
    constraints_value: Tokens,
}

impl Declared {
    pub(crate) fn parse(item: &DeriveInput) -> Result<Self> {
        let Data::Struct(data) = &item.data else {
            return Err(syn::Error::new_spanned(item, "only a struct has members"));
        };
        let fields = match &data.fields {
            Fields::Named(fields) => fields.named.iter().collect(),
            Fields::Unit => Vec::new(),
            Fields::Unnamed(fields) => {
                return Err(syn::Error::new_spanned(fields, "members have names"));
            }
        };
        let spelling = attributes::spelling(&item.attrs)?;
        let members = fields
            .into_iter()
            .enumerate()
            .map(|(index, field)| member(index, field, spelling))
            .collect::<Result<_>>()?;
        Ok(Self { ident: item.ident.clone(), members })
    }

    pub(crate) fn has_body(&self) -> bool {
        self.members.iter().any(|member| member.place == Place::Body)
    }

    pub(crate) fn constants(&self) -> Tokens {
        let name = self.ident.to_string();
        let constraints = self.members.iter().map(|member| {
            let (ident, value) = (&member.constraints, &member.constraints_value);
            quote!(const #ident: ::wire::Constraints = #value;)
        });
        let members = self.members.iter().map(Member::spec);
        quote! {
            #(#constraints)*
            const MEMBERS: &[::wire::MemberSpec] = &[#(#members),*];
            const STRUCTURE: &::wire::Structure = &::wire::Structure { name: #name, members: MEMBERS };
        }
    }

    pub(crate) fn described(&self) -> Tokens {
        let ident = &self.ident;
        quote! {
            impl ::wire::Described for #ident {
                const SHAPE: ::wire::Shape = ::wire::Shape::Structure(STRUCTURE);
            }
        }
    }
}

impl Member {
    /// What each item of it is called in a form.
    pub(crate) fn flat_item(&self) -> Option<&str> {
        self.flat.as_deref().map(|flat| flat.split_once('.').map_or(flat, |(item, _)| item))
    }

    fn spec(&self) -> Tokens {
        let Self { name, is_required, constraints, inner, .. } = self;
        let flat = match &self.flat {
            Some(flat) => {
                let (item, key) = flat.split_once('.').unwrap_or((flat, ""));
                quote!(Some(::wire::Flat { item: #item, key: #key }))
            }
            None => quote!(None),
        };
        let location = match &self.place {
            Place::Body => quote!(Body),
            Place::Label => quote!(Label),
            Place::Query(name) => quote!(Query(#name)),
            Place::Header(name) => quote!(Header(#name)),
            // AWS has one word for all three.
            Place::Payload | Place::Document | Place::Stream => quote!(Payload),
            Place::Status => quote!(Status),
        };
        quote! {
            ::wire::MemberSpec {
                name: #name,
                location: ::wire::Location::#location,
                flat: #flat,
                is_required: #is_required,
                constraints: #constraints,
                shape: <#inner as ::wire::Described>::SHAPE,
            }
        }
    }
}

fn member(index: usize, field: &syn::Field, spelling: Spelling) -> Result<Member> {
    let ident =
        field.ident.clone().ok_or_else(|| syn::Error::new_spanned(field, "members have names"))?;
    let attributes = attributes::parse(&field.attrs)?;
    let (inner, is_option) = match option_of(&field.ty) {
        Some(inner) => (inner.clone(), true),
        None => (field.ty.clone(), false),
    };
    let base = match &attributes.like {
        Some(path) => quote!(#path),
        None => quote!(::wire::Constraints::NONE),
    };
    let calls = &attributes.constraints;
    let has_default =
        attributes.has_default || (!is_option && attributes.location == Place::Payload);
    Ok(Member {
        name: attributes.name.unwrap_or_else(|| spelling.of(&ident.to_string())),
        flat: attributes.flat,
        ty: field.ty.clone(),
        inner,
        is_option,
        is_required: attributes.is_required
            || !(is_option || has_default || attributes.location == Place::Status),
        has_default,
        place: attributes.location,
        constraints: format_ident!("CONSTRAINTS_{index}"),
        constraints_value: quote!(#base #(#calls)*),
        ident,
    })
}

fn option_of(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|segment| segment.ident == "Option")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    }
}

/// `s3_bucket` is `S3Bucket`.
pub(crate) fn pascal(snake: &str) -> String {
    let words = snake.split('_').filter(|word| !word.is_empty());
    words
        .map(|word| {
            let mut chars = word.chars();
            chars.next().map(|first| first.to_ascii_uppercase().to_string()).unwrap_or_default()
                + chars.as_str()
        })
        .collect()
}
