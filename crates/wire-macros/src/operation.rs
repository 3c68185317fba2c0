// SPDX-License-Identifier: Apache-2.0
//! One operation of a service: its attribute, its signature, its row in the specification.

use crate::structure::pascal;
use proc_macro2::{Ident, TokenStream as Tokens};
use quote::quote;
use syn::{
    Expr, FnArg, GenericArgument, LitInt, LitStr, Path, PathArguments, Result, ReturnType,
    TraitItemFn, Type,
};

pub(crate) struct Operation {
    pub(crate) method: Ident,
    /// `CreateFunction`
    pub(crate) name: String,
    http: Option<LitStr>,
    status: Option<LitInt>,
    body_max: Option<LitInt>,
    /// `InvokeFunction`, where that is not the operation's name.
    action: Option<String>,
    pub(crate) on: Option<On>,
    /// `None` for an operation that is only declared.
    pub(crate) types: Option<Types>,
    /// The input of an operation that is declared only, and whose requests are checked all the same.
    pub(crate) checked: Option<Type>,
}

/// What an operation acts on, as it was declared.
pub(crate) enum On {
    /// Everyone who signed may call it.
    Open,
    /// A function, and the members of the input that it takes.
    Call { function: Path, members: Vec<Ident> },
}

pub(crate) struct Types {
    pub(crate) input: Type,
    pub(crate) result: Type,
    output: Type,
}

impl Operation {
    /// Takes the attribute off `function`.
    pub(crate) fn parse(function: &mut TraitItemFn) -> Result<Self> {
        let method = function.sig.ident.clone();
        let mut operation = Self {
            name: pascal(&method.to_string()),
            method,
            http: None,
            status: None,
            body_max: None,
            action: None,
            on: None,
            types: None,
            checked: None,
        };
        let place =
            function.attrs.iter().position(|attribute| attribute.path().is_ident("operation"));
        if let Some(place) = place {
            function.attrs.remove(place).parse_nested_meta(|meta| {
                let word = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
                match word.as_str() {
                    "http" => operation.http = Some(meta.value()?.parse()?),
                    "status" => operation.status = Some(meta.value()?.parse()?),
                    "body_max" => operation.body_max = Some(meta.value()?.parse()?),
                    "action" => operation.action = Some(meta.value()?.parse::<LitStr>()?.value()),
                    "on" => operation.on = Some(on(&meta.value()?.parse()?)?),
                    "name" => operation.name = meta.value()?.parse::<LitStr>()?.value(),
                    _ => return Err(meta.error("not an attribute of an operation")),
                }
                Ok(())
            })?;
        }
        match function.sig.asyncness {
            Some(_) => {
                operation.types = Some(types(function)?);
                if operation.on.is_none() {
                    let text = "an operation that is built says what it acts on, for IAM: `on = \
                                function(function_name)`, `on = open` when everyone may";
                    return Err(syn::Error::new_spanned(&function.sig, text));
                }
            }
            None => operation.checked = checked(function)?,
        }
        Ok(operation)
    }

    /// Asks the caller's authority, when the operation is not for everyone.
    pub(crate) fn admit(&self) -> Tokens {
        match &self.on {
            Some(On::Call { function, members }) => {
                let arguments = members.iter().map(|member| {
                    if member == "input" { quote!(&input) } else { quote!(&input.#member) }
                });
                quote!(call.admit(|| #function(cx, #(#arguments),*)))
            }
            Some(On::Open) | None => quote!(::wire::Result::<()>::Ok(())),
        }
    }

    /// `lambda:InvokeFunction`, of the service whose actions begin with `prefix`.
    fn action(&self, prefix: &str) -> String {
        match &self.on {
            Some(On::Call { .. }) => {
                format!("{prefix}:{}", self.action.as_ref().unwrap_or(&self.name))
            }
            Some(On::Open) | None => String::new(),
        }
    }

    /// The row in `ServiceSpec::operations`.
    pub(crate) fn spec(&self, prefix: &str) -> Result<Tokens> {
        let name = &self.name;
        let http = option(self.http.as_ref());
        let path = option(self.http.as_ref().map(path_template).transpose()?);
        let status = self.status.as_ref().map_or_else(|| quote!(200), |status| quote!(#status));
        let body_max =
            self.body_max.as_ref().map_or_else(|| quote!(::wire::BODY_MAX), |bytes| quote!(#bytes));
        let is_built = self.types.is_some();
        let action = self.action(prefix);
        let structure = |ty: &Type| quote!(<#ty as ::wire::Described>::SHAPE.structure());
        let (input, output) = match (&self.types, &self.checked) {
            (Some(Types { input, output, .. }), _) => (structure(input), structure(output)),
            (None, Some(input)) => (structure(input), quote!(None)),
            (None, None) => (quote!(None), quote!(None)),
        };
        Ok(quote! {
            ::wire::OperationSpec {
                name: #name,
                http: #http,
                status: #status,
                body_max: #body_max,
                is_built: #is_built,
                path: #path,
                action: #action,
                input: #input,
                output: #output,
            }
        })
    }
}

/// `function(function_name, qualifier)`, or `open`
fn on(written: &Expr) -> Result<On> {
    let wrong =
        || syn::Error::new_spanned(written, "written `on = function(member)` or `on = open`");
    match written {
        Expr::Path(path) if path.path.is_ident("open") => Ok(On::Open),
        Expr::Call(call) => {
            let Expr::Path(function) = &*call.func else { return Err(wrong()) };
            let member = |argument: &Expr| match argument {
                Expr::Path(path) => path.path.get_ident().cloned().ok_or_else(wrong),
                _ => Err(wrong()),
            };
            let members = call.args.iter().map(member).collect::<Result<_>>()?;
            Ok(On::Call { function: function.path.clone(), members })
        }
        _ => Err(wrong()),
    }
}

fn option(value: Option<impl quote::ToTokens>) -> Tokens {
    match value {
        Some(value) => quote!(Some(#value)),
        None => quote!(None),
    }
}

/// The input of `fn name(input: Input);`, if there is one.
fn checked(function: &TraitItemFn) -> Result<Option<Type>> {
    let inputs = &function.sig.inputs;
    match inputs.first() {
        None => Ok(None),
        Some(FnArg::Typed(argument)) if inputs.len() == 1 => Ok(Some((*argument.ty).clone())),
        Some(_) => {
            let shape =
                "an operation that is declared only is `fn name()` or `fn name(input: Input)`";
            Err(syn::Error::new_spanned(&function.sig, shape))
        }
    }
}

fn types(function: &TraitItemFn) -> Result<Types> {
    let signature = &function.sig;
    let shape =
        "an operation is `async fn name(&self, cx: &Context, input: Input) -> Result<Output>`";
    let has_name = |argument: &FnArg, name: &str| match argument {
        FnArg::Typed(argument) => {
            matches!(&*argument.pat, syn::Pat::Ident(pattern) if pattern.ident == name)
        }
        FnArg::Receiver(_) => name == "self",
    };
    if !signature
        .inputs
        .iter()
        .zip(["self", "cx", "input"])
        .all(|(argument, name)| has_name(argument, name))
    {
        return Err(syn::Error::new_spanned(signature, shape));
    }
    let input = match signature.inputs.iter().nth(2) {
        Some(FnArg::Typed(argument)) if signature.inputs.len() == 3 => (*argument.ty).clone(),
        _ => return Err(syn::Error::new_spanned(signature, shape)),
    };
    let ReturnType::Type(_, result) = &signature.output else {
        return Err(syn::Error::new_spanned(signature, shape));
    };
    let output = first_argument(result).ok_or_else(|| syn::Error::new_spanned(result, shape))?;
    Ok(Types { input, output: output.clone(), result: (**result).clone() })
}

fn first_argument(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}

/// Takes `GET /a/{B}?c=d` apart.
fn path_template(http: &LitStr) -> Result<Tokens> {
    let text = http.value();
    let wrong = || syn::Error::new(http.span(), "written \"METHOD /path/{Label}?literal=value\"");
    let (method, target) = text.split_once(' ').ok_or_else(wrong)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = path.strip_prefix('/').ok_or_else(wrong)?;
    let segments = path.split('/').map(|segment| {
        match segment.strip_prefix('{').and_then(|label| label.strip_suffix('}')) {
            Some(label) => quote!(::wire::Segment::Label(#label)),
            None => quote!(::wire::Segment::Literal(#segment)),
        }
    });
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        quote!((#name, #value))
    });
    Ok(quote! {
        ::wire::PathTemplate { method: #method, segments: &[#(#segments),*], query: &[#(#pairs),*] }
    })
}
