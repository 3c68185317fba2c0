// SPDX-License-Identifier: Apache-2.0
//! Metric math: arithmetic over series, and the functions that most dashboards use. Pure.
//!
//! A value is a number, a series or several of them. Where two series meet, a point that one of them lacks is left out, as in
//! AWS's. What is not here (`SEARCH`, `IF`, anomaly bands and others) is refused by its name.

use crate::statistic::Series;
use std::collections::{BTreeMap, BTreeSet};

/// Deeper than anybody writes, and shallow enough to walk by recursion.
const DEPTH_MAX: usize = 50;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Series(Series),
    Several(Vec<Series>),
}

/// What an expression may name.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    /// By the ids of queries.
    pub(crate) series: &'a BTreeMap<String, Series>,
    /// Those that are metrics, in the order of the request: `METRICS()`.
    pub(crate) metrics: &'a [String],
    pub(crate) period_s: u64,
}

/// The ids that an expression names, whatever it does with them.
pub(crate) fn names(expression: &str) -> BTreeSet<String> {
    let tokens = tokens(expression).unwrap_or_default();
    let name = |token: Token| match token {
        Token::Name(name) => Some(name),
        Token::Number(_) | Token::Text(_) | Token::Sign(_) => None,
    };
    tokens.into_iter().filter_map(name).collect()
}

/// The series that `expression` comes to.
pub(crate) fn evaluate(expression: &str, scope: &Scope<'_>) -> Result<Vec<Series>, String> {
    let mut parser = Parser { tokens: tokens(expression)?, at: 0, depth: 0, scope };
    let value = parser.sum()?;
    if parser.at < parser.tokens.len() {
        return Err("Unexpected text after the expression".to_owned());
    }
    match value {
        Value::Series(series) => Ok(vec![series]),
        Value::Several(all) => Ok(all),
        Value::Number(_) => Err("The expression must return a time series".to_owned()),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(f64),
    Name(String),
    Text(String),
    Sign(char),
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end_of = |is_part: fn(char) -> bool| rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let length = match first {
            '0'..='9' | '.' => {
                let length = end_of(|c| c.is_ascii_digit() || c == '.');
                let digits = rest.get(..length).unwrap_or_default();
                tokens.push(Token::Number(
                    digits.parse().map_err(|_| format!("`{digits}` is not a number"))?,
                ));
                length
            }
            'a'..='z' | 'A'..='Z' => {
                let length = end_of(|c| c.is_ascii_alphanumeric() || c == '_');
                tokens.push(Token::Name(rest.get(..length).unwrap_or_default().to_owned()));
                length
            }
            '"' | '\'' => {
                let body = rest.get(1..).unwrap_or_default();
                let length = body.find(first).ok_or("A text has no end")?;
                tokens.push(Token::Text(body.get(..length).unwrap_or_default().to_owned()));
                length + 2
            }
            '+' | '-' | '*' | '/' | '^' | '(' | ')' | ',' | '[' | ']' => {
                tokens.push(Token::Sign(first));
                1
            }
            other => return Err(format!("Unexpected `{other}`")),
        };
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    scope: &'a Scope<'a>,
}

impl Parser<'_> {
    fn takes(&mut self, sign: char) -> bool {
        let is_next = self.tokens.get(self.at) == Some(&Token::Sign(sign));
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, sign: char) -> Result<(), String> {
        if self.takes(sign) { Ok(()) } else { Err(format!("`{sign}` is missing")) }
    }

    fn sum(&mut self) -> Result<Value, String> {
        let mut value = self.product()?;
        loop {
            value = match () {
                () if self.takes('+') => both(value, self.product()?, |a, b| a + b)?,
                () if self.takes('-') => both(value, self.product()?, |a, b| a - b)?,
                () => return Ok(value),
            };
        }
    }

    fn product(&mut self) -> Result<Value, String> {
        let mut value = self.power()?;
        loop {
            value = match () {
                () if self.takes('*') => both(value, self.power()?, |a, b| a * b)?,
                () if self.takes('/') => both(value, self.power()?, |a, b| a / b)?,
                () => return Ok(value),
            };
        }
    }

    fn power(&mut self) -> Result<Value, String> {
        if self.takes('-') {
            return Ok(each(self.deeper(Self::power)?, |value| -value));
        }
        let base = self.atom()?;
        match self.takes('^') {
            true => both(base, self.deeper(Self::power)?, f64::powf),
            false => Ok(base),
        }
    }

    fn deeper<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("The expression is nested too deeply".to_owned());
        }
        let value = parse(self);
        self.depth -= 1;
        value
    }

    fn atom(&mut self) -> Result<Value, String> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        match token {
            Some(Token::Number(number)) => Ok(Value::Number(number)),
            Some(Token::Sign('(')) => {
                let value = self.deeper(Self::sum)?;
                self.expect(')')?;
                Ok(value)
            }
            Some(Token::Sign('[')) => {
                let items = self.list(']')?;
                Ok(Value::Several(items.into_iter().map(series).collect::<Result<_, _>>()?))
            }
            Some(Token::Name(name)) if self.takes('(') => self.call(&name),
            Some(Token::Name(name)) => match self.scope.series.get(&name) {
                Some(series) => Ok(Value::Series(series.clone())),
                None => Err(format!("`{name}` is no id of this request")),
            },
            Some(Token::Text(text)) => Err(format!("Unexpected text \"{text}\"")),
            Some(Token::Sign(sign)) => Err(format!("Unexpected `{sign}`")),
            None => Err("The expression ends too early".to_owned()),
        }
    }

    fn list(&mut self, end: char) -> Result<Vec<Value>, String> {
        let mut items = Vec::new();
        if self.takes(end) {
            return Ok(items);
        }
        loop {
            items.push(self.deeper(Self::sum)?);
            if self.takes(end) {
                return Ok(items);
            }
            self.expect(',')?;
        }
    }

    fn call(&mut self, name: &str) -> Result<Value, String> {
        match name {
            "METRICS" => return self.metrics(),
            "FILL" => return self.fill(),
            _ => {}
        }
        let mut arguments = self.list(')')?.into_iter();
        let first = arguments.next();
        if arguments.next().is_some() {
            return Err(format!("{name} takes one argument"));
        }
        let first = first.ok_or_else(|| format!("{name} takes an argument"))?;
        match name {
            "ABS" => Ok(each(first, f64::abs)),
            "CEIL" => Ok(each(first, f64::ceil)),
            "FLOOR" => Ok(each(first, f64::floor)),
            "SUM" => gather(first, |values| values.iter().sum()),
            "AVG" => gather(first, |values| values.iter().sum::<f64>() / count(values)),
            "MIN" => gather(first, |values| values.iter().copied().fold(f64::INFINITY, f64::min)),
            "MAX" => {
                gather(first, |values| values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
            }
            "DIFF" => steps(first, |(_, before), (_, now)| now - before),
            "RATE" => steps(first, |(then, before), (at, now)| (now - before) / seconds(at - then)),
            "RUNNING_SUM" => running_sum(first),
            "PERIOD" => Ok(Value::Number(seconds(self.scope.period_s))),
            _ => Err(format!("{name} is not available in this build of Tinderbox")),
        }
    }

    /// All metrics, or those whose id has a text in it.
    fn metrics(&mut self) -> Result<Value, String> {
        let wanted = match self.tokens.get(self.at) {
            Some(Token::Text(text)) => {
                let text = text.clone();
                self.at += 1;
                text
            }
            _ => String::new(),
        };
        self.expect(')')?;
        let named = self.scope.metrics.iter().filter(|id| id.contains(&wanted));
        Ok(Value::Several(named.filter_map(|id| self.scope.series.get(id).cloned()).collect()))
    }

    /// Points that are missing between others get a number, or the one before them.
    fn fill(&mut self) -> Result<Value, String> {
        let series = series(self.deeper(Self::sum)?)?;
        self.expect(',')?;
        let filler = match self.tokens.get(self.at) {
            Some(Token::Name(name)) if name == "REPEAT" => {
                self.at += 1;
                None
            }
            Some(Token::Name(name)) if name == "LINEAR" => {
                return Err(
                    "FILL with LINEAR is not available in this build of Tinderbox".to_owned()
                );
            }
            _ => match self.deeper(Self::sum)? {
                Value::Number(number) => Some(number),
                Value::Series(_) | Value::Several(_) => {
                    return Err("FILL takes a number or REPEAT".to_owned());
                }
            },
        };
        self.expect(')')?;
        let mut filled = series.clone();
        if let (Some((first, _)), Some((last, _))) =
            (series.first_key_value(), series.last_key_value())
        {
            let (mut at, mut before) = (*first, 0.0);
            while at <= *last {
                before = *filled.entry(at).or_insert(filler.unwrap_or(before));
                at += self.scope.period_s.max(1);
            }
        }
        Ok(Value::Series(filled))
    }
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 of them")]
fn count(values: &[f64]) -> f64 {
    values.len() as f64
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 of them")]
fn seconds(seconds: u64) -> f64 {
    seconds as f64
}

fn series(value: Value) -> Result<Series, String> {
    match value {
        Value::Series(series) => Ok(series),
        Value::Number(_) | Value::Several(_) => Err("A time series is wanted".to_owned()),
    }
}

fn map(series: Series, change: impl Fn(f64) -> f64) -> Series {
    // What is divided by nothing has no value.
    series
        .into_iter()
        .map(|(at, value)| (at, change(value)))
        .filter(|(_, value)| value.is_finite())
        .collect()
}

fn each(value: Value, change: impl Fn(f64) -> f64) -> Value {
    match value {
        Value::Number(number) => Value::Number(change(number)),
        Value::Series(series) => Value::Series(map(series, change)),
        Value::Several(all) => {
            Value::Several(all.into_iter().map(|series| map(series, &change)).collect())
        }
    }
}

fn both(left: Value, right: Value, apply: fn(f64, f64) -> f64) -> Result<Value, String> {
    let meet = |left: &Series, right: &Series| -> Series {
        let both =
            left.iter().filter_map(|(at, value)| Some((*at, apply(*value, *right.get(at)?))));
        both.filter(|(_, value)| value.is_finite()).collect()
    };
    Ok(match (left, right) {
        (Value::Number(left), Value::Number(right)) => Value::Number(apply(left, right)),
        (left, Value::Number(right)) => each(left, |left| apply(left, right)),
        (Value::Number(left), right) => each(right, |right| apply(left, right)),
        (Value::Series(left), Value::Series(right)) => Value::Series(meet(&left, &right)),
        (Value::Several(all), Value::Series(right)) => {
            Value::Several(all.iter().map(|left| meet(left, &right)).collect())
        }
        (Value::Series(left), Value::Several(all)) => {
            Value::Several(all.iter().map(|right| meet(&left, right)).collect())
        }
        (Value::Several(_), Value::Several(_)) => {
            return Err("Two arrays of time series can not be combined".to_owned());
        }
    })
}

/// One number of all points of a series, or one series of the points that several have at a time.
fn gather(value: Value, apply: impl Fn(&[f64]) -> f64) -> Result<Value, String> {
    match value {
        Value::Number(_) => Err("A time series is wanted".to_owned()),
        Value::Series(series) => {
            Ok(Value::Number(apply(&series.into_values().collect::<Vec<_>>())))
        }
        Value::Several(all) => {
            let mut at = BTreeMap::<u64, Vec<f64>>::new();
            for (time, value) in all.into_iter().flatten() {
                at.entry(time).or_default().push(value);
            }
            Ok(Value::Series(at.into_iter().map(|(time, values)| (time, apply(&values))).collect()))
        }
    }
}

/// A value for each two points that follow each other.
fn steps(value: Value, step: impl Fn((u64, f64), (u64, f64)) -> f64) -> Result<Value, String> {
    let series = series(value)?;
    let points = || series.iter().map(|(at, value)| (*at, *value));
    let stepped = points().zip(points().skip(1)).map(|(before, now)| (now.0, step(before, now)));
    Ok(Value::Series(stepped.collect()))
}

fn running_sum(value: Value) -> Result<Value, String> {
    let mut sum = 0.0;
    let series = series(value)?;
    let sums = series.into_iter().map(|(at, value)| {
        sum += value;
        (at, sum)
    });
    Ok(Value::Series(sums.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str) -> String {
        let series = [
            ("m1", vec![(0, 1.0), (60, 2.0), (120, 3.0)]),
            ("m2", vec![(0, 10.0), (120, 0.0)]),
            ("gap", vec![(0, 4.0), (180, 5.0)]),
        ];
        let series =
            series.map(|(id, points)| (id.to_owned(), points.into_iter().collect())).into();
        let metrics = ["m1".to_owned(), "m2".to_owned()];
        match evaluate(expression, &Scope { series: &series, metrics: &metrics, period_s: 60 }) {
            Ok(all) => {
                let text = |series: Series| {
                    let points: Vec<String> =
                        series.iter().map(|(at, value)| format!("{at}:{value}")).collect();
                    points.join(" ")
                };
                all.into_iter().map(text).collect::<Vec<_>>().join(" | ")
            }
            Err(why) => format!("! {why}"),
        }
    }

    #[test]
    fn arithmetic_is_as_one_expects() {
        for (expression, result) in [
            ("m1", "0:1 60:2 120:3"),
            ("m1 + 2 * 3", "0:7 60:8 120:9"),
            ("-(m1 - 1) ^ 2", "0:-0 60:-1 120:-4"),
            ("100 * m1 / m2", "0:10"),
            ("m1 + m2", "0:11 120:3"),
            ("[m1, m2] * 2", "0:2 60:4 120:6 | 0:20 120:0"),
            ("SUM(METRICS())", "0:11 60:2 120:3"),
            ("MAX([m1, m2]) - MIN(m1)", "0:9 60:1 120:2"),
            ("AVG(METRICS(\"m2\"))", "0:10 120:0"),
            ("m1 / AVG(m1)", "0:0.5 60:1 120:1.5"),
            ("FILL(gap, 0)", "0:4 60:0 120:0 180:5"),
            ("FILL(gap, REPEAT)", "0:4 60:4 120:4 180:5"),
            ("DIFF(m1)", "60:1 120:1"),
            ("RATE(m2) * PERIOD(m2)", "120:-5"),
            ("RUNNING_SUM(m1)", "0:1 60:3 120:6"),
        ] {
            assert_eq!(check(expression), result, "{expression}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (expression, why) in [
            ("1 + 1", "! The expression must return a time series"),
            ("m9", "! `m9` is no id of this request"),
            ("SEARCH(m1)", "! SEARCH is not available in this build of Tinderbox"),
            ("m1 +", "! The expression ends too early"),
            ("(m1", "! `)` is missing"),
            ("m1 m2", "! Unexpected text after the expression"),
            ("m1 § 2", "! Unexpected `§`"),
            ("1.2.3 * m1", "! `1.2.3` is not a number"),
        ] {
            assert_eq!(check(expression), why, "{expression}");
        }
        assert_eq!(check(&"(".repeat(10_000)), "! The expression is nested too deeply");
        assert_eq!(
            check(&format!("{}m1", "-".repeat(10_000))),
            "! The expression is nested too deeply"
        );
    }
}
