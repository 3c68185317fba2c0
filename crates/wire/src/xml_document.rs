// SPDX-License-Identifier: Apache-2.0
//! XML documents of requests, read into a small tree; and answers, written element by element.
//!
//! Invariant: a document has no entities but the five and characters by number, no declarations of types, and a limited depth:
//! reading one takes time and memory in proportion to its length.

use crate::xml::{DECLARATION, escape, push_element};
use std::fmt::{Display, Write as _};

const DEPTH_MAX: usize = 16;

/// An element, without attributes and namespaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    pub name: String,
    /// What stands in it beside elements.
    pub text: String,
    pub children: Vec<Self>,
    /// `xsi:type`, which says what kind of grantee an element is.
    pub kind: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the document is not XML")]
pub struct MalformedXml;

impl Element {
    pub fn parse(text: &str) -> Result<Self, MalformedXml> {
        let mut reader = Reader { rest: text.strip_prefix('\u{feff}').unwrap_or(text) };
        let mut open: Vec<Self> = Vec::new();
        loop {
            let (before, rest) = reader.rest.split_once('<').ok_or(MalformedXml)?;
            match open.last_mut() {
                Some(element) => unescape(&mut element.text, before)?,
                None if before.trim().is_empty() => {}
                None => return Err(MalformedXml),
            }
            reader.rest = rest;
            match reader.markup()? {
                Markup::Skipped => {}
                Markup::Text(text) => open.last_mut().ok_or(MalformedXml)?.text.push_str(text),
                Markup::Start(element) if open.len() < DEPTH_MAX => open.push(element),
                Markup::Start(_) => return Err(MalformedXml),
                Markup::Whole(element) => match open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None => return reader.finish(element),
                },
                Markup::End(name) => {
                    let element = open.pop().filter(|it| it.name == name).ok_or(MalformedXml)?;
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => return reader.finish(element),
                    }
                }
            }
        }
    }

    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of a child, without blanks around it.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }
}

enum Markup<'a> {
    Skipped,
    Text(&'a str),
    Start(Element),
    Whole(Element),
    End(&'a str),
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// What follows a `<`.
    fn markup(&mut self) -> Result<Markup<'a>, MalformedXml> {
        if let Some(rest) = self.rest.strip_prefix("![CDATA[") {
            self.rest = rest;
            return self.until("]]>").map(Markup::Text);
        }
        if let Some(rest) = self.rest.strip_prefix("!--") {
            self.rest = rest;
            return self.until("-->").map(|_| Markup::Skipped);
        }
        if self.rest.starts_with('?') {
            return self.until("?>").map(|_| Markup::Skipped);
        }
        if self.rest.starts_with('!') {
            return Err(MalformedXml);
        }
        let tag = self.until(">")?;
        if let Some(name) = tag.strip_prefix('/') {
            return Ok(Markup::End(local(name.trim_end())));
        }
        match tag.strip_suffix('/') {
            Some(tag) => start(tag).map(Markup::Whole),
            None => start(tag).map(Markup::Start),
        }
    }

    fn until(&mut self, end: &str) -> Result<&'a str, MalformedXml> {
        let (before, rest) = self.rest.split_once(end).ok_or(MalformedXml)?;
        self.rest = rest;
        Ok(before)
    }

    /// After the last element there is nothing but blanks and comments.
    fn finish(mut self, root: Element) -> Result<Element, MalformedXml> {
        while let Some(rest) = self.rest.trim_start().strip_prefix("<!--") {
            self.rest = rest;
            self.until("-->")?;
        }
        if self.rest.trim().is_empty() { Ok(root) } else { Err(MalformedXml) }
    }
}

/// The inside of a tag: a name, and attributes, of which one is kept.
fn start(tag: &str) -> Result<Element, MalformedXml> {
    let (name, mut rest) = match tag.split_once(char::is_whitespace) {
        Some((name, rest)) => (name, rest.trim()),
        None => (tag, ""),
    };
    let is_name = |character: char| character.is_alphanumeric() || "_-.:".contains(character);
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(MalformedXml);
    }
    let mut element = Element { name: local(name).to_owned(), ..Element::default() };
    while !rest.is_empty() {
        let (name, value) = rest.split_once('=').ok_or(MalformedXml)?;
        let value = value.trim_start();
        let quote = value.chars().next().filter(|quote| "\"'".contains(*quote));
        let (value, after) =
            quote.and_then(|quote| value.get(1..)?.split_once(quote)).ok_or(MalformedXml)?;
        if local(name.trim()) == "type" {
            element.kind = Some(value.to_owned());
        }
        rest = after.trim_start();
    }
    Ok(element)
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, name)| name)
}

fn unescape(into: &mut String, mut text: &str) -> Result<(), MalformedXml> {
    while let Some((before, rest)) = text.split_once('&') {
        into.push_str(before);
        let (entity, rest) = rest.split_once(';').ok_or(MalformedXml)?;
        into.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            number => {
                let code = match number.strip_prefix('#').ok_or(MalformedXml)? {
                    hex if hex.starts_with('x') => {
                        u32::from_str_radix(hex.trim_start_matches('x'), 16)
                    }
                    decimal => decimal.parse(),
                };
                code.ok().and_then(char::from_u32).ok_or(MalformedXml)?
            }
        });
        text = rest;
    }
    into.push_str(text);
    Ok(())
}

/// Writes a document.
#[derive(Debug)]
pub struct XmlWriter {
    text: String,
}

impl XmlWriter {
    /// A document that is one element, in this namespace.
    pub fn document(name: &str, namespace: &str, content: impl FnOnce(&mut Self)) -> String {
        let mut writer = Self { text: String::from(DECLARATION) };
        let _ = write!(writer.text, "<{name} xmlns=\"{namespace}\">");
        content(&mut writer);
        let _ = write!(writer.text, "</{name}>");
        writer.text
    }

    /// A document that is one text.
    pub fn leaf(name: &str, namespace: &str, text: &str) -> String {
        Self::document(name, namespace, |writer| escape(&mut writer.text, text))
    }

    pub fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        let _ = write!(self.text, "<{name}>");
        content(self);
        let _ = write!(self.text, "</{name}>");
    }

    pub fn text(&mut self, name: &str, text: impl Display) {
        push_element(&mut self.text, name, &text.to_string());
    }

    /// Nothing for what is not there.
    pub fn optional(&mut self, name: &str, text: Option<impl Display>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// An element as it was read.
    pub fn tree(&mut self, element: &Element) {
        let name = &element.name;
        match &element.kind {
            None => {
                let _ = write!(self.text, "<{name}>");
            }
            Some(kind) => {
                let namespace = "http://www.w3.org/2001/XMLSchema-instance";
                let _ = write!(self.text, "<{name} xmlns:xsi=\"{namespace}\" xsi:type=\"");
                escape(&mut self.text, kind);
                self.text.push_str("\">");
            }
        }
        if element.children.is_empty() {
            escape(&mut self.text, &element.text);
        }
        for child in &element.children {
            self.tree(child);
        }
        let _ = write!(self.text, "</{name}>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_becomes_a_tree() {
        let text = "<?xml version=\"1.0\"?><!-- x --><s:A xmlns:s='u' b=\"1\">\n<B>1 &lt; 2&#x21;</B><C/><B><![CDATA[<&]]></B></s:A>\n";
        let root = Element::parse(text).unwrap();
        assert_eq!(root.name, "A");
        assert_eq!(root.text_of("B"), Some("1 < 2!"));
        assert_eq!(root.all("B").nth(1).unwrap().text, "<&");
        assert!(root.child("C").is_some() && root.child("D").is_none());
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let deep = "<a>".repeat(1000) + &"</a>".repeat(1000);
        for text in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a>&x;</a>",
            "<a b></a>",
            "<a b=1></a>",
            "< a/>",
            "</a>",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
            "<a>&#xD800;</a>",
            "<a/>x",
            deep.as_str(),
        ] {
            assert_eq!(Element::parse(text), Err(MalformedXml), "{text}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let text = XmlWriter::document("A", "urn:a", |xml| {
            xml.text("B", "<&>\"\r");
            xml.element("C", |xml| xml.optional("D", None::<u8>));
            xml.tree(&Element { name: "E".into(), kind: Some("K".into()), ..Element::default() });
        });
        let root = Element::parse(&text).unwrap();
        assert_eq!(root.children[0].text, "<&>\"\r");
        assert_eq!(root.child("E").unwrap().kind.as_deref(), Some("K"));
    }
}
