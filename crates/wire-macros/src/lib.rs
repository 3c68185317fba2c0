// SPDX-License-Identifier: Apache-2.0
//! The attribute that turns a plain trait into an AWS service declaration, and the derives for the
//! structures its operations take and give. They are documented, and used, through `wire`.
//!
//! What is written out is thin: constants of the declaration, and calls into `wire`.

mod attributes;
mod decode;
mod encode;
mod operation;
mod service;
mod structure;

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use structure::Declared;

/// Declares an AWS service: each method is an operation.
///
/// `#[service(rest_json, query, json10, json11, rpc_cbor, signing = "lambda", version = "2015-03-31", target = "AmazonSQS",
/// namespace = "https://...", validation = "ValidationException", faults = PATH)]` names the protocols and what requests and
/// answers carry.
///
/// Each operation has `#[operation(http = "POST /path/{Label}?find=Literal", status = 201, body_max = 1024)]`.
/// One that is not `async` is no method, and is answered with a clear error: `fn name();` at once, `fn name(input: Input);`
/// after its input was checked.
///
/// One that is `async` says what it acts on, so that nobody calls it who may not: `on = function(function_name, qualifier)`
/// is called with the context and these members of the input (`input` is all of it), and makes a `wire::Access`. `on = open`
/// is for operations that need no permission. The action is the operation's name unless `action = "InvokeFunction"`, after
/// the signing name unless the service says `actions = "..."`.
///
/// Beside the trait this makes `XxxEndpoint<S>`, which serves any `S: Xxx` on the wire, and the trait's `SPEC`.
/// A method that an implementation leaves out answers `Fault::not_implemented`.
///
/// A service with many operations is declared in parts, each an `#[operations]` trait, and has them as supertraits and
/// no method of its own: `pub trait Lambda: FunctionOperations + LayerOperations {}`. Who implements all parts
/// implements the service.
#[proc_macro_attribute]
pub fn service(arguments: TokenStream, item: TokenStream) -> TokenStream {
    finish(service::expand(arguments.into(), item.into()))
}

/// Declares operations that are a part of a service, whose IAM actions begin with the argument: `#[operations("lambda")]`.
#[proc_macro_attribute]
pub fn operations(arguments: TokenStream, item: TokenStream) -> TokenStream {
    finish(service::expand_part(arguments.into(), item.into()))
}

/// The input of an operation.
///
/// Members are named in PascalCase unless `#[wire(name = "KMSKeyArn")]`, or in camelCase where the structure has `#[wire(camel)]`. Each stands in the JSON body unless
/// `#[wire(label)]`, `#[wire(query = "Qualifier")]`, `#[wire(header = "X-Amz-Log-Type")]` or `#[wire(payload)]`.
/// A member that is not an `Option` is required, unless `#[wire(default)]`. Constraints: `like = CONSTRAINTS`,
/// `length = "1..=64"`, `range = "1.."`, `pattern = "..."`, `one_of = ["a"]`, `each = CONSTRAINTS`,
/// `keys = CONSTRAINTS`, `sensitive`. `flat = "Tag.Key"` is for the Query protocol: each item of the list or map is a member
/// called `Tag`, and that of a map has a `Key` and a `Value`.
#[proc_macro_derive(Input, attributes(wire))]
pub fn input(item: TokenStream) -> TokenStream {
    derive(item, |declared| {
        let (described, member, input) =
            (declared.described(), decode::member(declared), decode::input(declared));
        quote::quote!(#described #member #input)
    })
}

/// The output of an operation. Absent members are left out.
///
/// Attributes as for `Input`, and `#[wire(status)]` for the status of the response, `#[wire(stream)]` for a body of events.
#[proc_macro_derive(Output, attributes(wire))]
pub fn output(item: TokenStream) -> TokenStream {
    derive(item, |declared| {
        let described = declared.described();
        let (serialize, deserialize) = (encode::serialize(declared), encode::deserialize(declared));
        let output = encode::output(declared);
        quote::quote!(#described #serialize #deserialize #output)
    })
}

/// A structure inside of inputs and outputs, which can also be stored.
#[proc_macro_derive(Structure, attributes(wire))]
pub fn structure(item: TokenStream) -> TokenStream {
    derive(item, |declared| {
        let (described, member) = (declared.described(), decode::member(declared));
        let (serialize, deserialize) = (encode::serialize(declared), encode::deserialize(declared));
        quote::quote!(#described #member #serialize #deserialize)
    })
}

fn derive(item: TokenStream, write: impl FnOnce(&Declared) -> Tokens) -> TokenStream {
    finish(syn::parse(item).and_then(|item| Declared::parse(&item)).map(|declared| {
        let (constants, written) = (declared.constants(), write(&declared));
        quote::quote! {
            const _: () = {
                #constants
                #written
            };
        }
    }))
}

fn finish(result: syn::Result<Tokens>) -> TokenStream {
    result.unwrap_or_else(|error| error.to_compile_error()).into()
}
