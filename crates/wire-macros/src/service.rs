// SPDX-License-Identifier: Apache-2.0
//! The attribute on the trait: its protocols, its specification, its endpoint.

use crate::operation::{Operation, Types};
use proc_macro2::TokenStream as Tokens;
use quote::{format_ident, quote};
use syn::parse::Parser as _;
use syn::{Expr, Ident, ItemTrait, LitStr, Result, TraitItem, parse_quote};

#[derive(Default)]
struct Arguments {
    protocols: Vec<Tokens>,
    signing_name: String,
    api_version: String,
    xml_namespace: String,
    target_prefix: Option<String>,
    faults: Option<Expr>,
}

pub(crate) fn expand(arguments: Tokens, item: Tokens) -> Result<Tokens> {
    let arguments = parse_arguments(arguments)?;
    let mut declaration: ItemTrait = syn::parse2(item)?;
    let operations = take_operations(&mut declaration)?;

    let name = declaration.ident.clone();
    let spec = spec(&name, &arguments, &operations)?;
    let endpoint = endpoint(&declaration, &operations);
    let shared = shared(&declaration);
    Ok(quote! {
        #declaration
        #shared
        #spec
        #endpoint
    })
}

fn parse_arguments(tokens: Tokens) -> Result<Arguments> {
    let mut arguments = Arguments::default();
    let parser = syn::meta::parser(|meta| {
        let word = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match word.as_str() {
            "rest_json" => arguments.protocols.push(quote!(::wire::Protocol::RestJson)),
            "json10" => arguments.protocols.push(quote!(::wire::Protocol::Json10)),
            "json11" => arguments.protocols.push(quote!(::wire::Protocol::Json11)),
            "query" => arguments.protocols.push(quote!(::wire::Protocol::Query)),
            "signing" => arguments.signing_name = text(&meta)?,
            "version" => arguments.api_version = text(&meta)?,
            "namespace" => arguments.xml_namespace = text(&meta)?,
            "target" => arguments.target_prefix = Some(text(&meta)?),
            "faults" => arguments.faults = Some(meta.value()?.parse()?),
            _ => return Err(meta.error("not an attribute of a service")),
        }
        Ok(())
    });
    parser.parse2(tokens)?;
    Ok(arguments)
}

fn text(meta: &syn::meta::ParseNestedMeta<'_>) -> Result<String> {
    Ok(meta.value()?.parse::<LitStr>()?.value())
}

/// Reads each operation, gives methods their final form, and drops those that are only declared.
fn take_operations(declaration: &mut ItemTrait) -> Result<Vec<Operation>> {
    let mut operations = Vec::new();
    let mut kept = Vec::new();
    for item in std::mem::take(&mut declaration.items) {
        let TraitItem::Fn(mut function) = item else {
            return Err(syn::Error::new_spanned(item, "a service has operations only"));
        };
        let operation = Operation::parse(&mut function)?;
        if let Some(Types { result, .. }) = &operation.types {
            let name = &operation.name;
            function.sig.asyncness = None;
            function.sig.output =
                parse_quote!(-> impl ::std::future::Future<Output = #result> + Send);
            function.default = Some(parse_quote!({
                let _ = (cx, input);
                async { Err(::wire::Fault::not_implemented(#name)) }
            }));
            function.semi_token = None;
            kept.push(TraitItem::Fn(function));
        }
        operations.push(operation);
    }
    declaration.items = kept;
    Ok(operations)
}

/// The trait for `Arc<T>`, so that a service can be shared with the endpoint that serves it.
fn shared(declaration: &ItemTrait) -> Tokens {
    let name = &declaration.ident;
    let methods = declaration.items.iter().filter_map(|item| {
        let TraitItem::Fn(function) = item else { return None };
        let (signature, method) = (&function.sig, &function.sig.ident);
        Some(quote! {
            #signature {
                (**self).#method(cx, input)
            }
        })
    });
    quote! {
        impl<T: #name> #name for ::std::sync::Arc<T> {
            #(#methods)*
        }
    }
}

fn spec(name: &Ident, arguments: &Arguments, operations: &[Operation]) -> Result<Tokens> {
    let Arguments { protocols, signing_name, api_version, xml_namespace, target_prefix, faults } =
        arguments;
    let target_prefix = match target_prefix {
        Some(prefix) => quote!(Some(#prefix)),
        None => quote!(None),
    };
    let faults = match faults {
        Some(faults) => quote!(#faults),
        None => quote!(&[]),
    };
    let rows = operations.iter().map(Operation::spec).collect::<Result<Vec<_>>>()?;
    let doc = format!("What `{name}` looks like on the wire.");
    Ok(quote! {
        #[doc = #doc]
        pub static SPEC: ::wire::ServiceSpec = ::wire::ServiceSpec {
            signing_name: #signing_name,
            target_prefix: #target_prefix,
            protocols: &[#(#protocols),*],
            api_version: #api_version,
            xml_namespace: #xml_namespace,
            operations: &[#(#rows),*],
            faults: #faults,
        };
    })
}

fn endpoint(declaration: &ItemTrait, operations: &[Operation]) -> Tokens {
    let name = &declaration.ident;
    let endpoint = format_ident!("{name}Endpoint");
    let doc = format!("Serves a [`{name}`] on the wire.");
    let checked = operations.iter().enumerate().filter_map(|(index, operation)| {
        let input = operation.checked.as_ref()?;
        Some(quote! {
            #index => ::std::boxed::Box::pin(::std::future::ready(match call.read::<#input>() {
                Ok(_) => call.not_implemented(),
                Err(fault) => call.write::<()>(Err(fault)),
            })),
        })
    });
    let arms = operations.iter().enumerate().filter_map(|(index, operation)| {
        let Types { input, .. } = operation.types.as_ref()?;
        let method = &operation.method;
        // One box per operation: each is as large as its own future and no larger.
        Some(quote! {
            #index => ::std::boxed::Box::pin(async move {
                let result = match call.read::<#input>() {
                    Ok(input) => self.0.#method(cx, input).await,
                    Err(fault) => Err(fault),
                };
                call.write(result)
            }),
        })
    });
    quote! {
        #[doc = #doc]
        #[derive(Debug)]
        pub struct #endpoint<S>(pub S);

        impl<S: #name> ::wire::Endpoint for #endpoint<S> {
            fn spec(&self) -> &'static ::wire::ServiceSpec {
                &SPEC
            }

            fn call<'a>(
                &'a self,
                cx: &'a ::wire::Context,
                route: ::wire::Route<'a>,
                request: ::wire::Request,
            ) -> ::wire::BoxFuture<'a, ::wire::Response> {
                let mut call = match ::wire::Call::open(&SPEC, cx, route, request) {
                    Ok(call) => call,
                    Err(response) => return ::std::boxed::Box::pin(::std::future::ready(*response)),
                };
                match call.operation() {
                    #(#arms)*
                    #(#checked)*
                    _ => ::std::boxed::Box::pin(::std::future::ready(call.not_implemented())),
                }
            }
        }
    }
}
