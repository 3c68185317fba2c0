// SPDX-License-Identifier: Apache-2.0
//! Tokens: where a page ends, written down so that the next one goes on there. Pure.

use crate::error;
use log_store::Position;
use wire::Result;

/// Digits of an event's id, as on AWS.
const ID_DIGITS: usize = 56;
/// Digits of a time, and of a place.
const PART_DIGITS: usize = 20;

/// The id of an event: digits that tell where it is.
pub(crate) fn event_id(position: Position) -> String {
    let time = position.time.max(0);
    format!("{:0<width$}", format!("{time:020}{:020}", position.place), width = ID_DIGITS)
}

/// The position of an event with this id.
fn position(id: &str) -> Option<Position> {
    if id.len() != ID_DIGITS || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let time = id.get(..PART_DIGITS)?.parse().ok()?;
    let place = id.get(PART_DIGITS..2 * PART_DIGITS)?.parse().ok()?;
    Some(Position { time, place })
}

/// Of `FilterLogEvents`.
pub(crate) fn of_page(position: Position) -> String {
    event_id(position)
}

pub(crate) fn read_page(token: &str) -> Result<Position> {
    position(token).ok_or_else(error::bad_token)
}

/// Of `GetLogEvents`: `f/ID/s` goes on forward behind the event, `b/ID/s` backward before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    Forward,
    Backward,
}

pub(crate) fn of_turn(turn: Turn, position: Position) -> String {
    let letter = match turn {
        Turn::Forward => 'f',
        Turn::Backward => 'b',
    };
    format!("{letter}/{}/s", event_id(position))
}

pub(crate) fn read_turn(token: &str) -> Result<(Turn, Position)> {
    let read = || {
        let (letter, rest) = token.split_once('/')?;
        let turn = match letter {
            "f" => Turn::Forward,
            "b" => Turn::Backward,
            _ => return None,
        };
        Some((turn, position(rest.strip_suffix("/s")?)?))
    };
    read().ok_or_else(error::bad_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back() {
        let place = Position { time: 1_795_406_400_000, place: u64::MAX };
        assert_eq!(event_id(place).len(), ID_DIGITS);
        assert_eq!(read_page(&of_page(place)).unwrap(), place);
        for turn in [Turn::Forward, Turn::Backward] {
            assert_eq!(read_turn(&of_turn(turn, place)).unwrap(), (turn, place));
        }
        for token in
            ["", "f/1/s", "x/00/s", "f/", &"9".repeat(56), &format!("f/{}/s", "é".repeat(28))]
        {
            assert!(read_turn(token).is_err(), "{token}");
        }
        assert!(read_page(&"9".repeat(56)).is_err());
    }
}
