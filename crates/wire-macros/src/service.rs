// SPDX-License-Identifier: Apache-2.0
//! The attributes on a trait: the operations it declares; a service's protocols, its specification, its endpoint.

use crate::operation::{Operation, Types};
use proc_macro2::TokenStream as Tokens;
use quote::{format_ident, quote};
use syn::parse::Parser as _;
use syn::{Expr, Ident, ItemTrait, LitStr, Path, Result, TraitItem, TypeParamBound, parse_quote};

#[derive(Default)]
struct Arguments {
    protocols: Vec<Tokens>,
    signing_name: String,
    /// What the names of its actions begin with, where that is not the signing name.
    actions: Option<String>,
    api_version: String,
    xml_namespace: String,
    target_prefix: Option<String>,
    validation: Option<String>,
    faults: Option<Expr>,
}

/// A service of its own operations, or of those that its supertraits declare.
pub(crate) fn expand(arguments: Tokens, item: Tokens) -> Result<Tokens> {
    let arguments = parse_arguments(arguments)?;
    let declaration: ItemTrait = syn::parse2(item)?;
    let name = declaration.ident.clone();
    let (declared, tables) = if declaration.items.is_empty() {
        let tables = parts(&declaration)?;
        (joined(&declaration), tables)
    } else {
        let table = table_of(&name);
        let prefix = arguments.actions.as_ref().unwrap_or(&arguments.signing_name);
        (declared(declaration, prefix)?, vec![parse_quote!(#table)])
    };
    let spec = spec(&name, &arguments, &tables);
    let endpoint = endpoint(&name, &tables);
    Ok(quote! {
        #declared
        #spec
        #endpoint
    })
}

/// A part of a service whose actions begin with `prefix`.
pub(crate) fn expand_part(prefix: Tokens, item: Tokens) -> Result<Tokens> {
    let Ok(prefix) = syn::parse2::<LitStr>(prefix) else {
        let text = "says what the names of its actions begin with: `#[operations(\"lambda\")]`";
        return Err(syn::Error::new(proc_macro2::Span::call_site(), text));
    };
    declared(syn::parse2(item)?, &prefix.value())
}

/// The trait, for shared services too, and the table of its operations.
fn declared(mut declaration: ItemTrait, prefix: &str) -> Result<Tokens> {
    let operations = take_operations(&mut declaration)?;
    let shared = shared(&declaration);
    let table = table(&declaration.ident, &operations, prefix)?;
    Ok(quote! {
        #declaration
        #shared
        #table
    })
}

/// The tables of a service's parts.
fn parts(declaration: &ItemTrait) -> Result<Vec<Path>> {
    let part = |bound: &TypeParamBound| {
        let TypeParamBound::Trait(part) = bound else {
            return Err(syn::Error::new_spanned(bound, "a part of a service is a trait"));
        };
        let mut path = part.path.clone();
        if let Some(last) = path.segments.last_mut() {
            last.ident = table_of(&last.ident);
        }
        Ok(path)
    };
    declaration.supertraits.iter().map(part).collect()
}

/// Who has all parts is the service.
fn joined(declaration: &ItemTrait) -> Tokens {
    let (name, parts) = (&declaration.ident, &declaration.supertraits);
    quote! {
        #declaration

        impl<T: #parts> #name for T {}
    }
}

fn table_of(name: &Ident) -> Ident {
    format_ident!("{name}Table")
}

fn protocols_of(name: &Ident) -> Ident {
    format_ident!("{name}Protocols")
}

fn parse_arguments(tokens: Tokens) -> Result<Arguments> {
    let mut arguments = Arguments::default();
    let parser = syn::meta::parser(|meta| {
        let word = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match word.as_str() {
            "rest_json" => arguments.protocols.push(quote!(::wire::Protocol::RestJson)),
            "json10" => arguments.protocols.push(quote!(::wire::Protocol::Json10)),
            "json11" => arguments.protocols.push(quote!(::wire::Protocol::Json11)),
            "rpc_cbor" => arguments.protocols.push(quote!(::wire::Protocol::RpcCbor)),
            "query" => arguments.protocols.push(quote!(::wire::Protocol::Query)),
            "signing" => arguments.signing_name = text(&meta)?,
            "actions" => arguments.actions = Some(text(&meta)?),
            "version" => arguments.api_version = text(&meta)?,
            "namespace" => arguments.xml_namespace = text(&meta)?,
            "target" => arguments.target_prefix = Some(text(&meta)?),
            "validation" => arguments.validation = Some(text(&meta)?),
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

fn spec(name: &Ident, arguments: &Arguments, tables: &[Path]) -> Tokens {
    let Arguments {
        protocols,
        signing_name,
        api_version,
        xml_namespace,
        target_prefix,
        validation,
        faults,
        actions: _,
    } = arguments;
    let validation = match validation {
        Some(code) => quote!(#code),
        None => quote!(::wire::ServiceSpec::EMPTY.validation),
    };
    let target_prefix = match target_prefix {
        Some(prefix) => quote!(Some(#prefix)),
        None => quote!(None),
    };
    let faults = match faults {
        Some(faults) => quote!(#faults),
        None => quote!(&[]),
    };
    let doc = format!("What `{name}` looks like on the wire.");
    let doc_of_protocols = format!("The protocols of `{name}`.");
    let spoken = protocols_of(name);
    quote! {
        #[doc = #doc_of_protocols]
        #[derive(Debug)]
        pub struct #spoken;

        impl ::wire::Protocols for #spoken {
            const ALL: &'static [::wire::Protocol] = &[#(#protocols),*];
        }

        #[doc = #doc]
        pub static SPEC: ::wire::ServiceSpec = {
            const COUNT: usize = 0 #(+ #tables::ROWS.len())*;
            static OPERATIONS: [::wire::OperationSpec; COUNT] =
                ::wire::private::joined(&[#(#tables::ROWS),*]);
            ::wire::ServiceSpec {
                signing_name: #signing_name,
                target_prefix: #target_prefix,
                protocols: <#spoken as ::wire::Protocols>::ALL,
                api_version: #api_version,
                xml_namespace: #xml_namespace,
                validation: #validation,
                operations: &OPERATIONS,
                faults: #faults,
            }
        };
    }
}

/// What the operations of a trait look like on the wire, and the way of a call to them.
fn table(name: &Ident, operations: &[Operation], prefix: &str) -> Result<Tokens> {
    let table = table_of(name);
    let rows = operations.iter().map(|one| one.spec(prefix)).collect::<Result<Vec<_>>>()?;
    let checked = operations.iter().enumerate().filter_map(|(place, operation)| {
        let input = operation.checked.as_ref()?;
        Some(quote! {
            #place => ::std::boxed::Box::pin(::std::future::ready(match call.read::<#input>() {
                Ok(_) => call.not_implemented(),
                Err(fault) => call.write::<()>(Err(fault)),
            })),
        })
    });
    let arms = operations.iter().enumerate().filter_map(|(place, operation)| {
        let Types { input, .. } = operation.types.as_ref()?;
        let (method, admit) = (&operation.method, operation.admit());
        // One box per operation: each is as large as its own future and no larger.
        Some(quote! {
            #place => ::std::boxed::Box::pin(async move {
                let result = match call.read::<#input>() {
                    Ok(input) => match #admit {
                        Ok(()) => service.#method(cx, input).await,
                        Err(fault) => Err(fault),
                    },
                    Err(fault) => Err(fault),
                };
                call.write(result)
            }),
        })
    });
    let doc = format!("The operations of [`{name}`] on the wire.");
    Ok(quote! {
        #[doc = #doc]
        #[derive(Debug)]
        pub struct #table;

        impl #table {
            pub const ROWS: &'static [::wire::OperationSpec] = &[#(#rows),*];

            /// Runs the operation that stands at `place` in `ROWS`.
            pub fn call<'a, S: #name, P: ::wire::Protocols>(
                service: &'a S,
                cx: &'a ::wire::Context,
                place: usize,
                mut call: ::wire::Call<'a, P>,
            ) -> ::wire::BoxFuture<'a, ::wire::Response> {
                let _ = (service, cx, &mut call);
                match place {
                    #(#arms)*
                    #(#checked)*
                    _ => ::std::boxed::Box::pin(::std::future::ready(call.not_implemented())),
                }
            }
        }
    })
}

fn endpoint(name: &Ident, tables: &[Path]) -> Tokens {
    let (endpoint, spoken) = (format_ident!("{name}Endpoint"), protocols_of(name));
    let doc = format!("Serves a [`{name}`] on the wire.");
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
                let call = match ::wire::Call::<#spoken>::open(&SPEC, cx, route, request) {
                    Ok(call) => call,
                    Err(response) => return ::std::boxed::Box::pin(::std::future::ready(*response)),
                };
                let place = call.operation();
                #(
                    let place = match place.checked_sub(#tables::ROWS.len()) {
                        Some(later) => later,
                        None => return #tables::call(&self.0, cx, place, call),
                    };
                )*
                let _ = place;
                ::std::boxed::Box::pin(::std::future::ready(call.not_implemented()))
            }
        }
    }
}
