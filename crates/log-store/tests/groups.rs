// SPDX-License-Identifier: Apache-2.0
//! Log groups on a real disk: what was written is read, also after a restart and after a write that was cut off.

#![expect(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    reason = "the whole file is tests"
)]

use bytes::BytesMut;
use log_store::{
    Batch, Direction, Event, Followed, Group, GroupKey, Logs, Made, Options, Place, Position,
    Query, Settings, SubscriptionFilter, put_event,
};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn key(name: &str) -> GroupKey {
    GroupKey {
        account: "000000000000".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        name: name.to_owned(),
    }
}

fn batch(events: &[(i64, &str)]) -> Batch {
    let mut batch = BytesMut::new();
    for (time, text) in events {
        put_event(&mut batch, *time, text.as_bytes(), b"");
    }
    Batch { events: batch.freeze(), cause: None }
}

const ALL: Query = Query {
    from: i64::MIN,
    until: i64::MAX,
    after: None,
    direction: Direction::Forward,
    events_max: usize::MAX,
    bytes_max: usize::MAX,
};

fn read(group: &Group) -> Vec<Event> {
    let page = group.read(&ALL, &|_| true, &|_| true).unwrap();
    assert_eq!(page.next, None);
    page.events
}

fn texts(group: &Group) -> Vec<String> {
    read(group).into_iter().map(|event| event.text).collect()
}

fn small(options: Options) -> Options {
    Options { group_bytes_max: 40_000, ..options }
}

/// A group that clients made, with a stream.
fn made(logs: &Logs) -> Arc<Group> {
    logs.create(&key("/a"), Settings::default()).unwrap();
    let group = logs.group(&key("/a")).unwrap();
    assert_eq!(group.make_stream("s").unwrap(), Made::New);
    group
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let group = fs::read_dir(dir.join("000000000000/us-east-1")).unwrap().next().unwrap().unwrap();
    let paths = fs::read_dir(group.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|it| it == extension)).collect();
    found.sort();
    found
}

#[test]
fn what_functions_print_is_read_and_survives() {
    let dir = tempfile::tempdir().unwrap();
    let logs = Logs::start(dir.path(), Options::default()).unwrap();
    let streams = ["one", "two"].map(|name| logs.stream(key("/aws/lambda/f"), name.to_owned()));
    assert!(logs.group(&key("/aws/lambda/f")).is_none(), "nothing is made before it is written to");
    assert!(streams[0].append(batch(&[(1, "a\n"), (3, "c\n")])));
    assert!(streams[1].append(batch(&[(2, "b\n")])));
    logs.flush();
    let group = logs.group(&key("/aws/lambda/f")).unwrap();
    assert_eq!(texts(&group), ["a\n", "b\n", "c\n"]);
    drop((logs, streams));

    let again = Logs::start(dir.path(), Options::default()).unwrap();
    let group = again.group(&key("/aws/lambda/f")).unwrap();
    assert_eq!(texts(&group), ["a\n", "b\n", "c\n"]);
    let found = group.streams().unwrap();
    let one = &found[0];
    assert_eq!((&*one.name, one.first_event, one.last_event), ("one", Some(1), Some(3)));
    assert_eq!((found.len(), one.stays), (2, false));
}

#[test]
fn a_torn_write_is_cut_off_and_written_on_from_there() {
    let dir = tempfile::tempdir().unwrap();
    let group = made(&Logs::start(dir.path(), Options::default()).unwrap());
    group.put("s", &batch(&[(1, "first")])).unwrap();
    group.put("s", &batch(&[(2, "second")])).unwrap();
    drop(group);
    let path = files(dir.path(), "raw").pop().unwrap();
    let whole = fs::read(&path).unwrap();
    for cut in [1, 5, 20] {
        fs::write(&path, &whole[..whole.len() - cut]).unwrap();
        let logs = Logs::start(dir.path(), Options::default()).unwrap();
        let group = logs.group(&key("/a")).unwrap();
        assert_eq!(texts(&group), ["first"]);
        group.put("s", &batch(&[(3, "third")])).unwrap();
        assert_eq!(texts(&group), ["first", "third"]);
        drop((group, logs));
        let logs = Logs::start(dir.path(), Options::default()).unwrap();
        assert_eq!(texts(&logs.group(&key("/a")).unwrap()), ["first", "third"]);
    }
}

#[test]
fn segments_are_compressed_and_the_oldest_go_first() {
    let dir = tempfile::tempdir().unwrap();
    let logs = Logs::start(dir.path(), small(Options::default())).unwrap();
    let group = made(&logs);
    let stream = logs.stream(key("/a"), "of a function".to_owned());
    assert!(stream.append(batch(&[(0, "early")])));
    logs.flush();
    let line = "the same words over and over ".repeat(40);
    for time in 1..=200 {
        group.put("s", &batch(&[(time, &line)])).unwrap();
    }
    let compressed = files(dir.path(), "log");
    assert!(compressed.len() > 10, "{compressed:?}");
    assert_eq!(files(dir.path(), "raw").len(), 1);
    assert_eq!(read(&group).len(), 201);
    let places: Vec<Position> = read(&group).iter().map(|event| event.position).collect();
    assert!(group.stored_bytes() < 40_000);

    let mut seed = 1_u64;
    let mut noise = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        format!("{seed:x}")
    };
    for time in 201..300 {
        let line: String = (0..60).map(|_| noise()).collect();
        group.put("s", &batch(&[(time, &line)])).unwrap();
    }
    let left = read(&group);
    assert!(left.len() < 300 && left.len() > 20, "{}", left.len());
    let followed = group.follow(Place::default(), Place::MAX, usize::MAX).unwrap();
    assert!(followed.has_gap, "a reader is told that it missed some");
    assert_eq!(followed.arrived.iter().flat_map(|it| it.events()).count(), left.len());
    assert_eq!(left.last().unwrap().position.time, 299, "the newest stay");
    assert!(group.stored_bytes() <= 40_000);
    let streams = group.streams().unwrap();
    let names: Vec<&str> = streams.iter().map(|stream| &*stream.name).collect();
    assert_eq!(names, ["s"], "a function's stream goes with its events");
    drop((group, logs, stream));

    let logs = Logs::start(dir.path(), small(Options::default())).unwrap();
    let group = logs.group(&key("/a")).unwrap();
    assert_eq!(read(&group), left, "and it is the same after a restart");
    assert!(left.iter().all(|event| event.position.time > 200 || places.contains(&event.position)));
}

#[test]
fn a_stream_that_a_client_made_stays_without_events() {
    let dir = tempfile::tempdir().unwrap();
    let logs = Logs::start(dir.path(), small(Options::default())).unwrap();
    let group = made(&logs);
    assert_eq!(group.make_stream("busy").unwrap(), Made::New);
    assert_eq!(group.make_stream("busy").unwrap(), Made::Exists);
    let mut seed = 7_u64;
    for time in 0..200 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let line = format!("{seed:x}").repeat(2) + &format!("{:x}", seed.rotate_left(7)).repeat(40);
        group.put("busy", &batch(&[(time, &line.repeat(3))])).unwrap();
    }
    drop((group, logs));
    let logs = Logs::start(dir.path(), small(Options::default())).unwrap();
    let group = logs.group(&key("/a")).unwrap();
    assert!(group.stream("s").unwrap().is_some());
    assert!(group.delete_stream("busy").unwrap());
    assert_eq!(texts(&group), Vec::<String>::new());
    assert_eq!(group.make_stream("busy").unwrap(), Made::New);
    assert_eq!(texts(&group), Vec::<String>::new(), "old events are not the new stream's");
    drop((group, logs));
    let logs = Logs::start(dir.path(), small(Options::default())).unwrap();
    assert_eq!(texts(&logs.group(&key("/a")).unwrap()), Vec::<String>::new());
}

#[test]
fn what_is_too_old_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let logs = Logs::start(dir.path(), Options::default()).unwrap();
    let group = made(&logs);
    group.put("s", &batch(&[(1, "of 1970"), (i64::MAX / 2, "of the future")])).unwrap();
    group
        .change::<std::io::Error>(|settings| {
            settings.retention_days = Some(1);
            Ok(())
        })
        .unwrap();
    assert_eq!(texts(&group), ["of the future"]);
    drop((group, logs));
    let logs = Logs::start(dir.path(), Options::default()).unwrap();
    let group = logs.group(&key("/a")).unwrap();
    assert_eq!(group.settings().retention_days, Some(1));
    assert_eq!(texts(&group), ["of the future"]);
}

#[test]
fn a_deleted_group_is_gone_and_a_function_begins_it_anew() {
    let dir = tempfile::tempdir().unwrap();
    let logs = Logs::start(dir.path(), Options::default()).unwrap();
    let stream = logs.stream(key("/a"), "one".to_owned());
    assert!(stream.append(batch(&[(1, "before")])));
    logs.flush();
    let old = logs.group(&key("/a")).unwrap();
    assert!(logs.delete(&key("/a")).unwrap());
    assert!(!logs.delete(&key("/a")).unwrap());
    assert!(old.read(&ALL, &|_| true, &|_| true).is_err());
    assert!(old.put("one", &batch(&[(1, "x")])).is_err());
    assert!(stream.append(batch(&[(2, "after")])));
    logs.flush();
    assert_eq!(texts(&logs.group(&key("/a")).unwrap()), ["after"]);
}

#[test]
fn what_is_too_much_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let logs =
        Logs::start(dir.path(), Options { queue_bytes_max: 30, ..Options::default() }).unwrap();
    let stream = logs.stream(key("/a"), "one".to_owned());
    assert!(!stream.append(batch(&[(1, &"x".repeat(30))])));
    assert!(stream.append(batch(&[(1, "short")])));
    logs.flush();
    assert_eq!(texts(&logs.group(&key("/a")).unwrap()), ["short"]);
}

#[test]
fn the_oldest_streams_of_functions_make_room() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { group_streams_max: 3, ..Options::default() };
    let logs = Logs::start(dir.path(), options).unwrap();
    let group = made(&logs);
    for name in ["a", "b", "c"] {
        assert!(logs.stream(key("/a"), name.to_owned()).append(batch(&[(1, name)])));
        logs.flush();
    }
    let streams = group.streams().unwrap();
    assert_eq!(streams.iter().map(|stream| &*stream.name).collect::<Vec<_>>(), ["b", "c", "s"]);
    assert_eq!(group.make_stream("d").unwrap(), Made::TooMany);
}

#[test]
fn all_groups_together_have_a_limit() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { bytes_max: 0, ..Options::default() };
    let logs = Logs::start(dir.path(), options).unwrap();
    let stream = logs.stream(key("/a"), "one".to_owned());
    let line = "x".repeat(10 << 20);
    // The limit is looked at after so many bytes.
    for _ in 0..14 {
        assert!(stream.append(batch(&[(1, &line)])));
        logs.flush();
    }
    drop(stream);
    drop(logs);
    let logs = Logs::start(dir.path(), Options::default()).unwrap();
    assert!(read(&logs.group(&key("/a")).unwrap()).len() < 14);
}

/// The texts that a reader gets from `from` on, by so many bytes at once, and where it stops.
fn followed(group: &Group, mut from: Place, bytes_max: usize) -> (Vec<String>, Place) {
    let mut texts = Vec::new();
    loop {
        let Followed { arrived, next, has_gap } =
            group.follow(from, Place::MAX, bytes_max).unwrap();
        assert!(!has_gap);
        let events = arrived.iter().flat_map(|arrived| arrived.events());
        texts.extend(events.map(|(_, _, text)| String::from_utf8(text.to_vec()).unwrap()));
        if next == from {
            return (texts, next);
        }
        from = next;
    }
}

#[test]
fn a_reader_follows_what_arrives_in_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let logs = Logs::start(dir.path(), Options::default()).unwrap();
    let group = made(&logs);
    group.put("s", &batch(&[(9, "before")])).unwrap();
    let begin = group.end().unwrap();
    group.put("s", &batch(&[(2, "one"), (3, "two")])).unwrap();
    let caused = Batch { cause: Some("why".into()), ..batch(&[(1, "three")]) };
    group.put("s", &caused).unwrap();

    let read_all = group.follow(begin, Place::MAX, 1).unwrap();
    let causes: Vec<_> = read_all.arrived.iter().map(|arrived| arrived.cause.as_deref()).collect();
    assert_eq!(causes, [None, Some("why")]);
    let seen: Vec<_> =
        read_all.arrived.iter().flat_map(|it| it.events().map(|(position, ..)| position)).collect();
    let mut kept: Vec<_> = read(&group).iter().map(|event| event.position).collect();
    kept.sort_by_key(|position| position.place);
    assert_eq!(seen, kept[1..]);
    let until = group.end().unwrap();
    assert_eq!(until, read_all.next);
    group.put("s", &batch(&[(4, "four")])).unwrap();
    assert_eq!(followed(&group, begin, 1).0, ["one", "two", "three", "four"]);
    let again = group.follow(begin, until, usize::MAX).unwrap();
    assert_eq!((again.arrived.len(), again.next), (2, until), "it ends where it did");
}

#[test]
fn a_reader_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let logs = Logs::start(dir.path(), Options::default()).unwrap();
    let group = made(&logs);
    // Several segments, some of them compressed.
    let long = |number: usize| format!("{number} {}", "x".repeat(100_000));
    for number in 0..30 {
        group.put("s", &batch(&[(1, &long(number))])).unwrap();
    }
    let (first, place) = followed(&group, Place::default(), 300_000);
    assert!(first.into_iter().eq((0..30).map(long)));
    group.set_bookmark("reader", Some(place)).unwrap();
    group.put("s", &batch(&[(1, "more")])).unwrap();
    drop((group, logs));

    let logs = Logs::start(dir.path(), Options::default()).unwrap();
    let group = logs.group(&key("/a")).unwrap();
    assert_eq!(group.bookmark("other"), None);
    assert_eq!(followed(&group, group.bookmark("reader").unwrap(), 1).0, ["more"]);
    group.set_bookmark("reader", None).unwrap();
    assert_eq!(group.bookmark("reader"), None);
}

#[tokio::test]
async fn news_are_of_groups_that_are_followed() {
    let dir = tempfile::tempdir().unwrap();
    let logs = Logs::start(dir.path(), Options::default()).unwrap();
    let group = made(&logs);
    let stream = logs.stream(key("/other"), "one".to_owned());
    assert!(!stream.wants_causes());
    let follow = |settings: &mut Settings| {
        settings.subscription_filters.push(SubscriptionFilter::default());
        Ok::<_, std::io::Error>(())
    };
    group.change(follow).unwrap();
    assert!(stream.wants_causes());
    assert!(stream.append(batch(&[(1, "not followed")])));
    logs.flush();
    group.put("s", &batch(&[(1, "followed")])).unwrap();
    assert!(logs.news().take().await.into_iter().eq([key("/a")]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Pages in both directions are the events in their order, whatever the order of their arrival.
    #[test]
    fn pages_are_whole(
        batches in proptest::collection::vec(
            (0_usize..3, proptest::collection::vec((0_i64..50, "[a-c]{0,300}"), 1..8)), 1..40),
        events_max in 1_usize..20,
        bytes_max in 1_usize..2_000,
        from in 0_i64..50,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let logs = Logs::start(dir.path(), small(Options::default())).unwrap();
        let group = made(&logs);
        let names = ["s", "t", "u"];
        for name in &names[1..] {
            group.make_stream(name).unwrap();
        }
        for (stream, events) in &batches {
            let events: Vec<_> = events.iter().map(|(time, text)| (*time, text.as_str())).collect();
            group.put(names[*stream], &batch(&events)).unwrap();
        }
        let mut expected: Vec<(i64, usize, &str)> = Vec::new();
        for (order, (stream, events)) in batches.iter().enumerate() {
            let wanted = events.iter().filter(|(time, text)| *stream != 1 && *time >= from && text.contains('b'));
            expected.extend(wanted.map(|(time, text)| (*time, order, text.as_str())));
        }
        expected.sort_by_key(|(time, order, _)| (*time, *order));
        let expected: Vec<&str> = expected.iter().map(|(_, _, text)| *text).collect();
        for direction in [Direction::Forward, Direction::Backward] {
            let mut query = Query { direction, events_max, bytes_max, from, ..ALL };
            let mut found = Vec::new();
            loop {
                let page = group.read(&query, &|name| name != "t", &|text| text.contains(&b'b')).unwrap();
                prop_assert!(page.events.len() <= events_max);
                found.extend(page.events.into_iter().map(|event| event.text));
                match page.next {
                    Some(next) => query.after = Some(next),
                    None => break,
                }
            }
            if direction == Direction::Backward {
                found.reverse();
            }
            prop_assert_eq!(&found, &expected);
        }
    }
}
