// SPDX-License-Identifier: Apache-2.0
//! Compares declarations with AWS's published models (the JSON that ships in `botocore`).
//!
//! The model is the test oracle, not a generator: a declaration is written by hand and this says where
//! it is not AWS's. Whoever calls this finds the model and decides which differences are meant.
//!
//! Constraints and required members are compared for inputs only: nobody checks outputs against them.

use crate::{
    Constraints, FaultSpec, Location, MemberSpec, MessageKey, OperationSpec, Protocol, ServiceSpec,
    Shape, Structure,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Debug;

/// Every difference between `spec` and `model`, as `path: what`, sorted. Empty: the declaration is AWS's.
pub fn differences(spec: &ServiceSpec, model: &Value) -> Vec<String> {
    let mut oracle = Oracle { model, found: Vec::new() };
    oracle.service(spec);
    oracle.found.sort();
    oracle.found.dedup();
    oracle.found
}

struct Oracle<'a> {
    model: &'a Value,
    found: Vec<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Input,
    Output,
}

impl<'a> Oracle<'a> {
    /// The shape that is named at `pointer` of `value`.
    fn shape(&self, value: &Value, pointer: &str) -> &'a Value {
        let name = value.pointer(pointer).map(text).unwrap_or_default();
        self.model.get("shapes").and_then(|shapes| shapes.get(name)).unwrap_or(&Value::Null)
    }

    fn expect<T: PartialEq + Debug>(&mut self, path: &str, what: &str, declared: T, modelled: T) {
        if declared != modelled {
            self.found.push(format!("{path}: {what} is {declared:?}, in the model {modelled:?}"));
        }
    }

    fn service(&mut self, spec: &ServiceSpec) {
        let metadata = &self.model["metadata"];
        let signing_name = metadata.get("signingName").unwrap_or(&metadata["endpointPrefix"]);
        self.expect("service", "signing name", spec.signing_name, text(signing_name));
        self.expect("service", "version", spec.api_version, text(&metadata["apiVersion"]));
        if spec.protocols.contains(&Protocol::Query) {
            self.expect(
                "service",
                "namespace",
                spec.xml_namespace,
                text(&metadata["xmlNamespace"]),
            );
        }

        let modelled = &self.model["operations"];
        for name in modelled.as_object().into_iter().flat_map(|operations| operations.keys()) {
            if !spec.operations.iter().any(|operation| operation.name == name) {
                self.found.push(format!("{name}: not declared"));
            }
        }
        for operation in spec.operations {
            match modelled.get(operation.name) {
                Some(model) => self.operation(spec, operation, model),
                None => self.found.push(format!("{}: not in the model", operation.name)),
            }
        }
        self.faults(spec);
    }

    fn operation(&mut self, spec: &ServiceSpec, operation: &OperationSpec, model: &'a Value) {
        let name = operation.name;
        if spec.protocols.iter().any(|it| matches!(it, Protocol::RestJson | Protocol::RestXml)) {
            let http = &model["http"];
            let binding = format!("{} {}", text(&http["method"]), text(&http["requestUri"]));
            self.expect(name, "binding", operation.http.unwrap_or_default(), &binding);
            let status = http.get("responseCode").and_then(Value::as_u64).unwrap_or(200);
            self.expect(name, "status", u64::from(operation.status), status);
        }
        if let Some(input) = operation.input {
            let shape = self.shape(model, "/input/shape");
            self.structure(&format!("{name}.input"), input, shape, Direction::Input);
        }
        if let Some(output) = operation.output {
            let shape = self.shape(model, "/output/shape");
            self.structure(&format!("{name}.output"), output, shape, Direction::Output);
        }
    }

    fn structure(
        &mut self,
        path: &str,
        declared: &Structure,
        shape: &'a Value,
        direction: Direction,
    ) {
        let members = &shape["members"];
        for name in members.as_object().into_iter().flat_map(|members| members.keys()) {
            if !declared.members.iter().any(|member| member.name == name) {
                self.found.push(format!("{path}.{name}: not declared"));
            }
        }
        for member in declared.members {
            let path = format!("{path}.{}", member.name);
            match members.get(member.name) {
                Some(model) => self.member(&path, member, model, shape, direction),
                None => self.found.push(format!("{path}: not in the model")),
            }
        }
    }

    fn member(
        &mut self,
        path: &str,
        member: &MemberSpec,
        model: &'a Value,
        structure: &'a Value,
        direction: Direction,
    ) {
        let wire_name = text(&model["locationName"]);
        let location = match text(&model["location"]) {
            "uri" => Location::Label,
            "statusCode" => Location::Status,
            head @ ("querystring" | "header") => {
                let name = match member.location {
                    Location::Query(name) if head == "querystring" => name,
                    Location::Header(name) if head == "header" => name,
                    other => {
                        self.found
                            .push(format!("{path}: location is {other:?}, in the model {head}"));
                        return;
                    }
                };
                self.expect(path, "name on the wire", name, wire_name);
                member.location
            }
            _ if structure["payload"] == member.name || model["eventpayload"] == true => {
                Location::Payload
            }
            // Models of JSON protocols do not say so: there is nothing else that it could be.
            _ if self.shape(model, "/shape")["eventstream"] == true => Location::Payload,
            _ => Location::Body,
        };
        self.expect(path, "location", member.location, location);

        let shape = self.shape(model, "/shape");
        if direction == Direction::Input {
            let required = structure["required"].as_array();
            let is_required =
                required.is_some_and(|names| names.iter().any(|name| name == member.name));
            self.expect(path, "required", member.is_required, is_required);
            self.constraints(path, &member.constraints, shape);
        }
        self.type_of(path, member.shape, shape, direction);
    }

    fn type_of(&mut self, path: &str, declared: Shape, shape: &'a Value, direction: Direction) {
        let modelled = match text(&shape["type"]) {
            "string" if shape.get("enum").is_some() => "enumeration",
            other => other,
        };
        let kind = match declared {
            Shape::Text => "string",
            Shape::Boolean => "boolean",
            Shape::Integer => "integer",
            Shape::Long => "long",
            Shape::Double => "double",
            Shape::Blob => "blob",
            Shape::Timestamp => "timestamp",
            Shape::Enumeration(_) => "enumeration",
            Shape::List(_) => "list",
            Shape::Map(_) => "map",
            Shape::Structure(_) => "structure",
        };
        self.expect(path, "type", kind, modelled);
        match declared {
            Shape::Enumeration(values) => {
                // The order is free: it is that of AWS's sentence about a value that is none of them.
                let modelled: BTreeSet<_> =
                    shape["enum"].as_array().into_iter().flatten().map(text).collect();
                self.expect(
                    path,
                    "values",
                    values.iter().copied().collect::<BTreeSet<_>>(),
                    modelled,
                );
            }
            Shape::List(item) => {
                self.type_of(
                    &format!("{path}[]"),
                    *item,
                    self.shape(shape, "/member/shape"),
                    direction,
                );
            }
            Shape::Map(value) => {
                self.type_of(
                    &format!("{path}[]"),
                    *value,
                    self.shape(shape, "/value/shape"),
                    direction,
                );
            }
            Shape::Structure(structure) => self.structure(path, structure, shape, direction),
            _ => {}
        }
    }

    fn constraints(&mut self, path: &str, declared: &Constraints, shape: &'a Value) {
        let is_number = matches!(text(&shape["type"]), "integer" | "long" | "double" | "float");
        let mut bounds = bounds(shape);
        if !is_number && bounds.1.is_some() {
            // A length without a lower bound has none.
            bounds.0.get_or_insert_with(|| "0".to_owned());
        }
        let number =
            |number: i64| (number != i64::MIN && number != i64::MAX).then(|| number.to_string());
        let declared_bounds = match (is_number, declared.range, declared.length) {
            (true, Some((min, max)), _) => (number(min), number(max)),
            (false, _, Some((min, max))) => {
                (Some(min.to_string()), (max != usize::MAX).then(|| max.to_string()))
            }
            _ => (None, None),
        };
        // A length that begins nowhere begins at 0.
        let begins_nowhere = !is_number && bounds.0.is_none();
        let min = declared_bounds.0.filter(|min| !(begins_nowhere && min == "0"));
        self.expect(path, "bounds", (min, declared_bounds.1), bounds);

        let anything = r"[\s\S]*";
        let pattern = shape.get("pattern").map(text).filter(|pattern| *pattern != anything);
        self.expect(path, "pattern", declared.pattern.map(|pattern| pattern.text), pattern);

        if shape.get("enum").is_none() {
            let is_sensitive = shape["sensitive"] == true;
            self.expect(path, "sensitive", declared.is_sensitive, is_sensitive);
        }
        for (part, of_part) in
            [("member", declared.each), ("value", declared.each), ("key", declared.keys)]
        {
            let shape = self.shape(shape, &format!("/{part}/shape"));
            if shape["type"] == "string" && shape.get("enum").is_none() {
                self.constraints(
                    &format!("{path}[{part}]"),
                    of_part.unwrap_or(&Constraints::NONE),
                    shape,
                );
            }
        }
    }

    fn faults(&mut self, spec: &ServiceSpec) {
        let shapes = self.model["shapes"].as_object();
        let exceptions =
            shapes.into_iter().flatten().filter(|(_, shape)| shape["exception"] == true);
        for (name, shape) in exceptions {
            let error = &shape["error"];
            let code = error.get("code").map_or(name.as_str(), text);
            let is_upper = shape["members"].get("Message").is_some();
            let modelled = (
                // Of a fault of the service's own a model may not say so.
                error["httpStatusCode"].as_u64().unwrap_or(if shape["fault"] == true {
                    500
                } else {
                    400
                }),
                if is_upper { MessageKey::Upper } else { MessageKey::Lower },
            );
            // A model of a service that left Query behind does not say what errors were called there.
            let is_it = |fault: &&FaultSpec| match fault.query_code.filter(|_| code != name) {
                Some(query_code) => fault.code == name && query_code == code,
                None => fault.code == code,
            };
            match spec.faults.iter().find(is_it) {
                Some(FaultSpec { status, message_key, .. }) => {
                    self.expect(code, "error", (u64::from(*status), *message_key), modelled);
                }
                None => self.found.push(format!("{code}: error not declared")),
            }
        }
    }
}

/// The bounds of a shape, as text: of AWS's numbers some are written `1.0`.
fn bounds(shape: &Value) -> (Option<String>, Option<String>) {
    let bound = |name: &str| {
        let text = shape.get(name)?.to_string();
        Some(text.strip_suffix(".0").map_or(text.clone(), str::to_owned))
    };
    (bound("min"), bound("max"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Endpoint as _, FaultSpec, Input, MessageKey, Output, Result, enumeration, service,
    };
    use expect_test::expect;
    use serde_json::json;

    #[service(
        rest_json,
        signing = "box",
        version = "2020-01-01",
        faults = &[FaultSpec { code: "NoBox", status: 404, message_key: MessageKey::Upper, query_code: None }]
    )]
    trait Boxes: Send + Sync + 'static {
        #[operation(http = "POST /boxes/{Name}", status = 201, on = open)]
        async fn make_box(&self, cx: &crate::Context, input: MakeBoxInput)
        -> Result<MakeBoxOutput>;
    }

    struct Nobody;

    impl Boxes for Nobody {}

    #[derive(Debug, Input)]
    #[expect(dead_code, reason = "only its declaration is read")]
    struct MakeBoxInput {
        #[wire(label, length = "1..=8", pattern = "[a-z]+")]
        name: String,
        #[wire(range = "1..")]
        size: Option<i32>,
        kind: Option<Kind>,
        #[wire(query = "Tags", each = Constraints::NONE.length(0, 4))]
        tags: Option<Vec<String>>,
    }

    #[derive(Debug, Output)]
    struct MakeBoxOutput {
        #[wire(status)]
        status: Option<u16>,
        made: Option<i64>,
    }

    enumeration! {
        enum Kind { Flat = "FLAT" }
    }

    fn model() -> Value {
        json!({
            "metadata": {"apiVersion": "2020-01-01", "endpointPrefix": "box"},
            "operations": {"MakeBox": {
                "http": {"method": "POST", "requestUri": "/boxes/{Name}", "responseCode": 201},
                "input": {"shape": "In"}, "output": {"shape": "Out"},
            }},
            "shapes": {
                "In": {"type": "structure", "required": ["Name"], "members": {
                    "Name": {"shape": "Name", "location": "uri", "locationName": "Name"},
                    "Size": {"shape": "Size"},
                    "Kind": {"shape": "Kind"},
                    "Tags": {"shape": "Tags", "location": "querystring", "locationName": "Tags"},
                }},
                "Out": {"type": "structure", "members": {
                    "Status": {"shape": "Size", "location": "statusCode"},
                    "Made": {"shape": "Long"},
                }},
                "Name": {"type": "string", "min": 1, "max": 8, "pattern": "[a-z]+"},
                "Size": {"type": "integer", "min": 1},
                "Kind": {"type": "string", "enum": ["FLAT"]},
                "Tags": {"type": "list", "member": {"shape": "Tag"}},
                "Tag": {"type": "string", "min": 0, "max": 4},
                "Long": {"type": "long"},
                "NoBox": {"type": "structure", "exception": true, "error": {"httpStatusCode": 404},
                    "members": {"Message": {"shape": "Name"}}},
            },
        })
    }

    /// The differences after `value` was put at `pointer` of the model.
    fn after(pointer: &str, value: Value) -> String {
        let mut model = model();
        *model.pointer_mut(pointer).unwrap() = value;
        differences(BoxesEndpoint(Nobody).spec(), &model).join("\n")
    }

    #[test]
    fn a_declaration_that_is_the_models_has_no_differences() {
        assert_eq!(differences(&SPEC, &model()), Vec::<String>::new());
    }

    #[test]
    fn every_kind_of_difference_is_found() {
        let found = [
            after("/metadata/apiVersion", json!("2021-01-01")),
            after("/operations/MakeBox/http/requestUri", json!("/crates/{Name}")),
            after("/operations/MakeBox/http/responseCode", json!(200)),
            after("/operations", json!({"BreakBox": {}})),
            after("/shapes/In/required", json!(["Name", "Kind"])),
            after("/shapes/In/members/Name", json!({"shape": "Name"})),
            after("/shapes/In/members/Tags/locationName", json!("tags")),
            after("/shapes/In/members/Size", json!({"shape": "Size", "location": "header"})),
            after("/shapes/In/members/Tags/location", json!("header")),
            after(
                "/shapes/Out/members",
                json!({"Made": {"shape": "Long"}, "By": {"shape": "Name"}}),
            ),
            after("/shapes/Name/max", json!(9)),
            after("/shapes/Name/pattern", json!("[a-z]*")),
            after("/shapes/Size/min", json!(0)),
            after("/shapes/Kind/enum", json!(["FLAT", "ROUND"])),
            after("/shapes/Tag/max", json!(5)),
            after("/shapes/Tag/type", json!("integer")),
            after("/shapes/Long/type", json!("integer")),
            after("/shapes/NoBox/error/httpStatusCode", json!(400)),
        ];
        expect![[r#"
            service: version is "2020-01-01", in the model "2021-01-01"
            MakeBox: binding is "POST /boxes/{Name}", in the model "POST /crates/{Name}"
            MakeBox: status is 201, in the model 200
            BreakBox: not declared
            MakeBox: not in the model
            MakeBox.input.Kind: required is false, in the model true
            MakeBox.input.Name: location is Label, in the model Body
            MakeBox.input.Tags: name on the wire is "Tags", in the model "tags"
            MakeBox.input.Size: location is Body, in the model header
            MakeBox.input.Tags: location is Query("Tags"), in the model header
            MakeBox.output.By: not declared
            MakeBox.output.Status: not in the model
            MakeBox.input.Name: bounds is (Some("1"), Some("8")), in the model (Some("1"), Some("9"))
            MakeBox.input.Name: pattern is Some("[a-z]+"), in the model Some("[a-z]*")
            MakeBox.input.Size: bounds is (Some("1"), None), in the model (Some("0"), None)
            MakeBox.input.Kind: values is {"FLAT"}, in the model {"FLAT", "ROUND"}
            MakeBox.input.Tags[member]: bounds is (Some("0"), Some("4")), in the model (Some("0"), Some("5"))
            MakeBox.input.Tags[]: type is "string", in the model "integer"
            MakeBox.output.Made: type is "long", in the model "integer"
            NoBox: error is (404, Upper), in the model (400, Upper)"#]].assert_eq(&found.join("\n"));
    }
}
