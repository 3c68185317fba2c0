// SPDX-License-Identifier: Apache-2.0
//! Reads a filter expression. Pure.

use super::{Comparison, Filter, Flag, Match, Number, Text, Wanted};

/// How deep brackets may be nested.
const DEPTH_MAX: usize = 32;
const LENGTH_MAX: usize = 2_000;

/// A piece of an expression.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    /// `(`, `)`, `[`, `]`, `,`, `:`, `!`, `=`, `!=`, `<`, `<=`, `>`, `>=`
    Sign(&'static str),
}

const SIGNS: [&str; 13] = ["!=", "<=", ">=", "(", ")", "[", "]", ",", ":", "!", "=", "<", ">"];

/// Reads an expression. The error says what is not understood.
pub(crate) fn parse(text: &str) -> Result<Filter, String> {
    if text.len() > LENGTH_MAX {
        return Err(format!("it is longer than {LENGTH_MAX} characters"));
    }
    let mut tokens = tokens(text)?.into_iter().peekable();
    let mut reader = Reader { tokens: &mut tokens, depth: 0 };
    let filter = reader.any()?;
    match reader.tokens.next() {
        None => Ok(filter),
        Some(token) => Err(format!("{} is not expected there", shown(&token))),
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Word(word) => word.clone(),
        Token::Quoted(text) => format!("\"{text}\""),
        Token::Sign(sign) => (*sign).to_owned(),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            let (quoted, after) = quoted(rest)?;
            tokens.push(Token::Quoted(quoted));
            rest = after;
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token::Sign(sign));
            rest = rest.get(sign.len()..).unwrap_or_default();
        } else {
            let is_word = |c: char| c.is_alphanumeric() || "._-+".contains(c);
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if word.is_empty() {
                return Err(format!("{first} is not understood"));
            }
            tokens.push(Token::Word(word.to_owned()));
            rest = after;
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// What stands in quotes, and what follows. A backslash takes away the meaning of what is behind it.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((value, text.get(at + 1..).unwrap_or_default())),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    Err("a quotation mark is missing".to_owned())
}

struct Reader<'t> {
    tokens: &'t mut std::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
}

impl Reader<'_> {
    fn any(&mut self) -> Result<Filter, String> {
        let mut any = vec![self.all()?];
        while self.word_is("OR") {
            any.push(self.all()?);
        }
        Ok(one_or(any, Filter::Or))
    }

    fn all(&mut self) -> Result<Filter, String> {
        let mut all = vec![self.one()?];
        while self.word_is("AND") {
            all.push(self.one()?);
        }
        Ok(one_or(all, Filter::And))
    }

    fn one(&mut self) -> Result<Filter, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("it is nested too deeply".to_owned());
        }
        let filter = self.one_at_depth();
        self.depth -= 1;
        filter
    }

    fn one_at_depth(&mut self) -> Result<Filter, String> {
        if self.sign_is("!") || self.word_is("NOT") {
            return Ok(Filter::Not(Box::new(self.one()?)));
        }
        if self.sign_is("(") {
            let filter = self.any()?;
            self.expect(")")?;
            return Ok(filter);
        }
        let word = match self.tokens.next() {
            Some(Token::Word(word)) => word,
            Some(token) => return Err(format!("{} is not expected there", shown(&token))),
            None => return Err("it ends too soon".to_owned()),
        };
        let lower = word.to_ascii_lowercase();
        let flag = match lower.as_str() {
            "ok" => Some(Flag::Ok),
            "error" => Some(Flag::Error),
            "fault" => Some(Flag::Fault),
            "throttle" => Some(Flag::Throttle),
            "partial" => Some(Flag::Partial),
            _ => None,
        };
        if let Some(flag) = flag {
            return self.flag(flag);
        }
        let number = match lower.as_str() {
            "responsetime" => Some(Number::ResponseTime),
            "duration" => Some(Number::Duration),
            "http.status" => Some(Number::HttpStatus),
            _ => None,
        };
        if let Some(number) = number {
            let comparison = self.comparison()?;
            return Ok(Filter::Number(number, comparison, self.number()?));
        }
        let text = match lower.as_str() {
            "http.url" => Some(Text::Url),
            "http.method" => Some(Text::Method),
            "http.useragent" => Some(Text::UserAgent),
            "http.clientip" => Some(Text::ClientIp),
            "user" => Some(Text::User),
            "name" => Some(Text::Name),
            _ => None,
        };
        if let Some(text) = text {
            let how = self.matching()?;
            return Ok(Filter::Text(text, how, self.quoted()?));
        }
        if lower == "service" {
            return self.service();
        }
        if lower == "annotation" {
            self.expect("[")?;
            let key = self.key()?;
            self.expect("]")?;
            return self.annotation(key);
        }
        match lower.strip_prefix("annotation.").and_then(|_| word.get("annotation.".len()..)) {
            Some(key) if !key.is_empty() => self.annotation(key.to_owned()),
            _ => Err(format!("the keyword {word} is not understood")),
        }
    }

    /// `fault`, or `fault = true`.
    fn flag(&mut self, flag: Flag) -> Result<Filter, String> {
        let flag = Filter::Flag(flag);
        let is_equal = self.sign_is("=");
        if !is_equal && !self.sign_is("!=") {
            return Ok(flag);
        }
        let value = match self.tokens.next() {
            Some(Token::Word(word)) => boolean(&word),
            _ => None,
        };
        let value = value.ok_or("true or false must follow")?;
        Ok(if value == is_equal { flag } else { Filter::Not(Box::new(flag)) })
    }

    /// `service("name")`, `service(id(name: "name", type: "AWS::Lambda::Function"))`, and nothing in the brackets: any.
    fn service(&mut self) -> Result<Filter, String> {
        self.expect("(")?;
        let (mut name, mut kind) = (None, None);
        if self.word_is("id") {
            self.expect("(")?;
            loop {
                let member = self.key()?;
                self.expect(":")?;
                let value = Some(self.quoted()?);
                match member.to_ascii_lowercase().as_str() {
                    "name" => name = value,
                    "type" => kind = value,
                    _ => return Err(format!("{member} of a service is not understood")),
                }
                if !self.sign_is(",") {
                    break;
                }
            }
            self.expect(")")?;
        } else if let Some(Token::Quoted(text)) =
            self.tokens.next_if(|token| matches!(token, Token::Quoted(_)))
        {
            name = Some(text);
        }
        self.expect(")")?;
        Ok(Filter::Service { name, kind })
    }

    fn annotation(&mut self, key: String) -> Result<Filter, String> {
        let has_more = match self.tokens.peek() {
            Some(Token::Sign(sign)) => !matches!(*sign, ")" | "]" | ","),
            Some(Token::Word(word)) => is_one_of(word, &["CONTAINS", "BEGINSWITH", "ENDSWITH"]),
            Some(Token::Quoted(_)) | None => false,
        };
        if !has_more {
            return Ok(Filter::Annotation(key, None));
        }
        let comparison = match self.tokens.peek() {
            Some(Token::Sign(_)) => Some(self.comparison()?),
            _ => None,
        };
        let how = match comparison {
            None => self.matching()?,
            Some(Comparison::NotEqual) => Match::NotEqual,
            Some(_) => Match::Equal,
        };
        let wanted = match self.tokens.next() {
            Some(Token::Quoted(text))
                if !matches!(
                    comparison,
                    Some(
                        Comparison::Less
                            | Comparison::LessOrEqual
                            | Comparison::More
                            | Comparison::MoreOrEqual
                    )
                ) =>
            {
                Wanted::Text(how, text)
            }
            Some(Token::Word(word)) => match (comparison, boolean(&word), word.parse::<f64>()) {
                (Some(Comparison::Equal), Some(value), _) => Wanted::Boolean(value),
                (Some(Comparison::NotEqual), Some(value), _) => Wanted::Boolean(!value),
                (Some(comparison), None, Ok(value)) => Wanted::Number(comparison, value),
                _ => return Err(format!("{word} is not expected there")),
            },
            Some(token) => return Err(format!("{} is not expected there", shown(&token))),
            None => return Err("it ends too soon".to_owned()),
        };
        Ok(Filter::Annotation(key, Some(wanted)))
    }

    fn comparison(&mut self) -> Result<Comparison, String> {
        match self.tokens.next() {
            Some(Token::Sign("=")) => Ok(Comparison::Equal),
            Some(Token::Sign("!=")) => Ok(Comparison::NotEqual),
            Some(Token::Sign("<")) => Ok(Comparison::Less),
            Some(Token::Sign("<=")) => Ok(Comparison::LessOrEqual),
            Some(Token::Sign(">")) => Ok(Comparison::More),
            Some(Token::Sign(">=")) => Ok(Comparison::MoreOrEqual),
            _ => Err("a comparison is missing".to_owned()),
        }
    }

    fn matching(&mut self) -> Result<Match, String> {
        match self.tokens.next() {
            Some(Token::Sign("=")) => Ok(Match::Equal),
            Some(Token::Sign("!=")) => Ok(Match::NotEqual),
            Some(Token::Word(word)) if is_one_of(&word, &["CONTAINS"]) => Ok(Match::Contains),
            Some(Token::Word(word)) if is_one_of(&word, &["BEGINSWITH"]) => Ok(Match::BeginsWith),
            Some(Token::Word(word)) if is_one_of(&word, &["ENDSWITH"]) => Ok(Match::EndsWith),
            _ => Err("=, !=, CONTAINS, BEGINSWITH or ENDSWITH is missing".to_owned()),
        }
    }

    fn number(&mut self) -> Result<f64, String> {
        match self.tokens.next() {
            Some(Token::Word(word)) => word.parse().map_err(|_| format!("{word} is not a number")),
            _ => Err("a number is missing".to_owned()),
        }
    }

    fn quoted(&mut self) -> Result<String, String> {
        match self.tokens.next() {
            Some(Token::Quoted(text)) => Ok(text),
            _ => Err("a text in quotation marks is missing".to_owned()),
        }
    }

    fn key(&mut self) -> Result<String, String> {
        match self.tokens.next() {
            Some(Token::Word(text) | Token::Quoted(text)) => Ok(text),
            _ => Err("a name is missing".to_owned()),
        }
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), String> {
        if self.sign_is(sign) { Ok(()) } else { Err(format!("{sign} is missing")) }
    }

    /// Goes on behind `sign`, if it is next.
    fn sign_is(&mut self, sign: &'static str) -> bool {
        self.tokens.next_if_eq(&Token::Sign(sign)).is_some()
    }

    fn word_is(&mut self, wanted: &str) -> bool {
        let is_wanted =
            |token: &Token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(wanted));
        self.tokens.next_if(is_wanted).is_some()
    }
}

fn is_one_of(word: &str, wanted: &[&str]) -> bool {
    wanted.iter().any(|wanted| word.eq_ignore_ascii_case(wanted))
}

fn boolean(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn one_or(mut filters: Vec<Filter>, join: impl FnOnce(Vec<Filter>) -> Filter) -> Filter {
    match (filters.len(), filters.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            filters.extend(last);
            join(filters)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_understood_is_refused_and_named() {
        let told: Vec<String> = [
            "",
            "fault AND",
            "(fault",
            "fault)",
            "color = \"red\"",
            "http.status = \"x\"",
            "annotation.a > \"x\"",
            "edge(\"a\", \"b\")",
            "service(\"a\") { fault }",
            "group.name = \"x\"",
            "annotation. = 1",
            "http.url CONTAINS \"x",
            "responsetime 3",
            "service(id(account.id: \"1\"))",
        ]
        .into_iter()
        .map(|text| format!("{text:25} {}", parse(text).unwrap_err()))
        .collect();
        expect![[r#"
                                      it ends too soon
            fault AND                 it ends too soon
            (fault                    ) is missing
            fault)                    ) is not expected there
            color = "red"             the keyword color is not understood
            http.status = "x"         a number is missing
            annotation.a > "x"        "x" is not expected there
            edge("a", "b")            the keyword edge is not understood
            service("a") { fault }    { is not understood
            group.name = "x"          the keyword group.name is not understood
            annotation. = 1           the keyword annotation. is not understood
            http.url CONTAINS "x      a quotation mark is missing
            responsetime 3            a comparison is missing
            service(id(account.id: "1")) account.id of a service is not understood"#]]
        .assert_eq(&told.join("\n"));
        assert!(parse(&"(".repeat(100)).unwrap_err().contains("deeply"));
        assert!(parse(&"!".repeat(100)).unwrap_err().contains("deeply"));
    }

    #[test]
    fn and_binds_closer_than_or() {
        let flag = Filter::Flag;
        assert_eq!(
            parse("fault or error AND !ok").unwrap(),
            Filter::Or(vec![
                flag(Flag::Fault),
                Filter::And(vec![flag(Flag::Error), Filter::Not(Box::new(flag(Flag::Ok)))]),
            ])
        );
        assert_eq!(parse("fault = false").unwrap(), Filter::Not(Box::new(flag(Flag::Fault))));
    }

    proptest! {
        #[test]
        fn no_expression_is_too_odd(text in r#"[a-z"\\()\[\]!=<>:., 0-9]{0,60}"#) {
            let _ = parse(&text);
        }
    }
}
