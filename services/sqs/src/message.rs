// SPDX-License-Identifier: Apache-2.0
//! What a message may be, and its MD5 sums.

use crate::entry::{Content, Head};
use crate::settings::Settings;
use api::sqs::{MessageAttributeValue, MessageAttributes, SendMessageInput, fault};
use md5::{Digest as _, Md5};
use wire::{Context, Fault, Result};

const ATTRIBUTES_MAX: usize = 10;
const NAME_CHARACTERS_MAX: usize = 256;
const DELAY_SECONDS_MAX: i32 = 900;

/// A message that may be sent.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) content: Content,
    pub(crate) delay_ms: u64,
    pub(crate) md5: Sums,
}

/// MD5 sums of what a client sent, for the client to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) body: String,
    pub(crate) attributes: Option<String>,
    pub(crate) system_attributes: Option<String>,
}

/// Bytes of a message: its body, and of each attribute the name, the type and the value.
pub(crate) fn size(body: &str, attributes: Option<&MessageAttributes>) -> usize {
    let attribute = |(name, value): (&String, &MessageAttributeValue)| {
        let text = value.string_value.as_ref().map_or(0, String::len);
        let binary = value.binary_value.as_ref().map_or(0, |binary| binary.len());
        name.len() + value.data_type.len() + text + binary
    };
    body.len() + attributes.into_iter().flatten().map(attribute).sum::<usize>()
}

/// Checks a message for a queue with these settings.
pub(crate) fn check(
    cx: &Context,
    settings: &Settings,
    is_fifo: bool,
    input: SendMessageInput,
) -> Result<Checked> {
    check_body(&input.message_body)?;
    let attributes = input.message_attributes.unwrap_or_default();
    let system = input.message_system_attributes.unwrap_or_default();
    check_attributes(&attributes)?;
    let trace = trace(&system)?.or_else(|| of_function(cx));
    let bytes = size(&input.message_body, Some(&attributes));
    let bytes_max = settings.maximum_message_size;
    if bytes > usize::try_from(bytes_max).unwrap_or(usize::MAX) {
        return Err(fault::invalid_parameter_value(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {bytes_max} bytes."
        )));
    }
    let delay_seconds = delay(settings, is_fifo, input.delay_seconds)?;
    let (group, deduplication) = (input.message_group_id, input.message_deduplication_id);
    for (name, id) in [("MessageGroupId", &group), ("MessageDeduplicationId", &deduplication)] {
        if let Some(id) = id {
            check_id(name, id)?;
        }
    }
    let deduplication =
        sequencing(settings, is_fifo, group.as_deref(), deduplication, &input.message_body)?;
    let md5 = Sums {
        body: hex(&Md5::digest(&input.message_body)),
        attributes: sum(&attributes),
        system_attributes: sum(&system),
    };
    let head = Head {
        message_id: uuid::Uuid::new_v4().to_string(),
        sender: cx.caller.user_id.clone(),
        group,
        deduplication,
        trace,
        attributes,
        source: None,
    };
    let content = Content { head, body: input.message_body };
    Ok(Checked { content, delay_ms: u64::from(delay_seconds) * 1_000, md5 })
}

fn check_body(body: &str) -> Result<()> {
    if body.is_empty() {
        return Err(missing("MessageBody"));
    }
    if !body.chars().all(is_xml) {
        return Err(fault::invalid_message_contents(
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
        ));
    }
    Ok(())
}

/// What XML 1.0 can hold.
const fn is_xml(character: char) -> bool {
    matches!(character,
        '\u{9}' | '\u{A}' | '\u{D}' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

fn delay(settings: &Settings, is_fifo: bool, given: Option<i32>) -> Result<u32> {
    let refused = |seconds: i32, reason: &str| {
        fault::invalid_parameter_value(format!(
            "Value {seconds} for parameter DelaySeconds is invalid. Reason: {reason}"
        ))
    };
    match given {
        None => Ok(settings.delay_seconds),
        // Clients that send a zero mean nothing by it.
        Some(0) if is_fifo => Ok(settings.delay_seconds),
        Some(seconds) if is_fifo => Err(refused(
            seconds,
            "The request include parameter that is not valid for this queue type.",
        )),
        Some(seconds) if (0..=DELAY_SECONDS_MAX).contains(&seconds) => {
            Ok(u32::try_from(seconds).unwrap_or_default())
        }
        Some(seconds) => Err(refused(seconds, "DelaySeconds must be >= 0 and <= 900.")),
    }
}

/// The id for deduplication, of a FIFO queue.
fn sequencing(
    settings: &Settings,
    is_fifo: bool,
    group: Option<&str>,
    deduplication: Option<String>,
    body: &str,
) -> Result<Option<String>> {
    if !is_fifo {
        return match deduplication {
            None => Ok(None),
            Some(id) => Err(fault::invalid_parameter_value(format!(
                "Value {id} for parameter MessageDeduplicationId is invalid. Reason: The request includes a parameter that is not valid for this queue type."
            ))),
        };
    }
    if group.is_none() {
        return Err(missing("MessageGroupId"));
    }
    match deduplication {
        Some(id) => Ok(Some(id)),
        None if settings.content_based_deduplication => Ok(Some(fifo::id_of_content(body))),
        None => Err(fault::invalid_parameter_value(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        )),
    }
}

fn check_id(name: &str, id: &str) -> Result<()> {
    if fifo::is_id(id) {
        return Ok(());
    }
    Err(fault::invalid_parameter_value(format!(
        "Value {id} for parameter {name} is invalid. Reason: {name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
    )))
}

fn check_attributes(attributes: &MessageAttributes) -> Result<()> {
    if attributes.len() > ATTRIBUTES_MAX {
        return Err(fault::invalid_parameter_value(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{ATTRIBUTES_MAX}].",
            attributes.len()
        )));
    }
    attributes.iter().try_for_each(|(name, value)| {
        check_attribute_name(name)?;
        check_attribute(name, value)
    })
}

fn check_attribute_name(name: &str) -> Result<()> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let lower = name.to_ascii_lowercase();
    let is_reserved = lower.starts_with("aws.") || lower.starts_with("amazon.");
    let has_dots = name.starts_with('.') || name.ends_with('.') || name.contains("..");
    let is_short = (1..=NAME_CHARACTERS_MAX).contains(&name.len());
    if is_short && name.bytes().all(is_allowed) && !is_reserved && !has_dots {
        return Ok(());
    }
    Err(fault::invalid_parameter_value(format!(
        "The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.) characters, not begin with AWS. or Amazon., and have 1 to 256 of them."
    )))
}

fn check_attribute(name: &str, value: &MessageAttributeValue) -> Result<()> {
    let refused = |text: String| Err(fault::invalid_parameter_value(text));
    if value.string_list_values.is_some() || value.binary_list_values.is_some() {
        return refused(format!(
            "Message attribute list values in SendMessage operation are not supported (attribute '{name}')."
        ));
    }
    let kind = value.data_type.split('.').next().unwrap_or_default();
    let (text, binary) = (value.string_value.as_deref(), value.binary_value.as_deref());
    match kind {
        "String" | "Number" if binary.is_some() => refused(format!(
            "The message attribute '{name}' with type '{kind}' must use field 'String'."
        )),
        "Binary" if text.is_some() => refused(format!(
            "The message attribute '{name}' with type 'Binary' must use field 'Binary'."
        )),
        "String" | "Number" if text.is_none_or(str::is_empty) => refused(format!(
            "The message attribute '{name}' must contain a non-empty value of type '{kind}'."
        )),
        "Binary" if binary.is_none_or(<[u8]>::is_empty) => refused(format!(
            "The message attribute '{name}' must contain a non-empty value of type 'Binary'."
        )),
        "Number" if text.is_some_and(|text| text.trim().parse::<f64>().is_err()) => {
            refused(format!("Can't cast the value of message attribute '{name}' to a number."))
        }
        "String" if !text.is_some_and(|text| text.chars().all(is_xml)) => {
            Err(fault::invalid_message_contents(format!(
                "The message attribute '{name}' has invalid characters."
            )))
        }
        "String" | "Number" | "Binary" => Ok(()),
        _ => refused(format!(
            "The type of message attribute '{name}' is invalid. You must use only the following supported type prefixes: Binary, Number, String."
        )),
    }
}

/// The one system attribute there is.
fn trace(system: &MessageAttributes) -> Result<Option<String>> {
    for (name, value) in system {
        if name != "AWSTraceHeader" {
            return Err(fault::invalid_parameter_value(format!(
                "Message system attribute name '{name}' is invalid."
            )));
        }
        if value.data_type != "String" || value.string_value.is_none() {
            return Err(fault::invalid_parameter_value(
                "The message system attribute 'AWSTraceHeader' must be a String.",
            ));
        }
    }
    Ok(system.get("AWSTraceHeader").and_then(|value| value.string_value.clone()))
}

/// What a function sends goes on with its trace: that is how a loop through queues is found.
fn of_function(cx: &Context) -> Option<String> {
    cx.trace.has_lineage().then(|| cx.trace.to_string())
}

pub(crate) fn missing(name: &str) -> Fault {
    fault::missing_parameter(format!("The request must contain the parameter {name}."))
}

/// The sum of a body.
pub(crate) fn sum_of_body(body: &str) -> String {
    hex(&Md5::digest(body))
}

/// The sum of attributes: of each, in the order of their names, the name, the type, how the value travels, and the value.
pub(crate) fn sum(attributes: &MessageAttributes) -> Option<String> {
    const TEXT: &[u8] = &[1];
    const BINARY: &[u8] = &[2];
    let mut hasher = Md5::new();
    for (name, value) in attributes {
        add(&mut hasher, name.as_bytes());
        add(&mut hasher, value.data_type.as_bytes());
        match (&value.string_value, &value.binary_value) {
            (_, Some(binary)) => {
                hasher.update(BINARY);
                add(&mut hasher, binary);
            }
            (text, None) => {
                hasher.update(TEXT);
                add(&mut hasher, text.as_deref().unwrap_or_default().as_bytes());
            }
        }
    }
    (!attributes.is_empty()).then(|| hex(&hasher.finalize()))
}

/// A part, behind its length.
fn add(hasher: &mut Md5, part: &[u8]) {
    hasher.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
    hasher.update(part);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
