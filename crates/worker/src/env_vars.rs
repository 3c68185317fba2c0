// SPDX-License-Identifier: Apache-2.0
//! The environment variables of a function: AWS's, the runtime's and its own. Pure.

use crate::function::{Function, Initialization};
use crate::host::Session;
use crate::logs::{LogFormat, LogStream};

/// What a function may set itself; everything else that the platform sets wins over the function's configuration.
const OVERRIDABLE: [&str; 11] = [
    "LANG",
    "PATH",
    "LD_LIBRARY_PATH",
    "TZ",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "NODE_PATH",
    "PYTHONPATH",
    "GEM_PATH",
    "LC_CTYPE",
    "LC_ALL",
];

/// What is the same for every function.
const FIXED: [(&str, &str); 12] = [
    ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
    ("AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1:2000"),
    ("_AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1"),
    ("_AWS_XRAY_DAEMON_PORT", "2000"),
    ("LAMBDA_TASK_ROOT", "/var/task"),
    ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
    ("LANG", "en_US.UTF-8"),
    ("TZ", ":UTC"),
    ("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
    (
        "LD_LIBRARY_PATH",
        "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    ),
    ("PWD", "/var/task"),
    ("SHLVL", "0"),
];

/// What a function of an image finds, where neither it nor its image says otherwise; the first holds in any case. The path is
/// what containers have by default.
const IMAGE: [(&str, &str); 8] = [
    ("AWS_EXECUTION_ENV", "AWS_Lambda_Image"),
    ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
    ("AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1:2000"),
    ("_AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1"),
    ("_AWS_XRAY_DAEMON_PORT", "2000"),
    ("LAMBDA_TASK_ROOT", "/var/task"),
    ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
];

/// The sandbox says where it is.
const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// Where an environment that goes on from a snapshot asks for its keys: at its own Runtime API.
const CREDENTIALS_URI: &str = "http://127.0.0.1:9001/2021-04-23/credentials";

/// What a runtime may know before it knows its function.
pub(crate) fn of_every_function() -> Vec<(String, String)> {
    FIXED.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// All of a function's. `of_runtime` is what the managed runtime adds.
pub(crate) fn all(
    function: &Function,
    of_runtime: &[(String, String)],
    log: &LogStream,
    session: &Session,
    initialization: Initialization,
) -> Vec<(String, String)> {
    let mut all = of_every_function();
    all.extend(own(function, log, session, initialization));
    all.extend(of_runtime.iter().cloned());
    for (name, value) in &function.env_vars {
        match all.iter_mut().find(|(known, _)| known == name) {
            Some(known) if OVERRIDABLE.contains(&name.as_str()) => known.1.clone_from(value),
            Some(_platform_s) => {}
            None => all.push((name.clone(), value.clone())),
        }
    }
    all
}

/// All of a function's whose image has set `of_image`: the platform's over the function's over the image's over the rest.
pub(crate) fn all_of_image(
    function: &Function,
    of_image: &[(String, String)],
    log: &LogStream,
    session: &Session,
    initialization: Initialization,
) -> Vec<(String, String)> {
    let mut all = own(function, log, session, initialization);
    let rest = IMAGE.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (fixed, rest) = rest.split_at(1);
    all.extend_from_slice(fixed);
    for (name, value) in function.env_vars.iter().chain(of_image).chain(rest) {
        if name != RUNTIME_API && !all.iter().any(|(known, _)| known == name) {
            all.push((name.clone(), value.clone()));
        }
    }
    all
}

/// What the platform says of a function.
fn own(
    function: &Function,
    log: &LogStream,
    session: &Session,
    initialization: Initialization,
) -> Vec<(String, String)> {
    let memory = function.memory_mb.to_string();
    let region = function.region.as_str();
    let own: [(&str, &str); 9] = [
        ("AWS_LAMBDA_INITIALIZATION_TYPE", initialization.name()),
        ("AWS_LAMBDA_FUNCTION_NAME", &function.name),
        ("AWS_LAMBDA_FUNCTION_VERSION", &function.version),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
        ("AWS_LAMBDA_LOG_GROUP_NAME", log.group()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", log.name()),
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
        ("_HANDLER", &function.handler),
    ];
    let identity = match &function.snapshot {
        // Keys would be the same in all environments that go on from the snapshot.
        Some(token) => vec![
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", CREDENTIALS_URI),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", token.as_str()),
        ],
        None => vec![
            ("AWS_ACCESS_KEY_ID", session.access_key_id.as_str()),
            ("AWS_SECRET_ACCESS_KEY", &session.secret_access_key),
            ("AWS_SESSION_TOKEN", &session.session_token),
        ],
    };
    let logging = match function.log_format {
        LogFormat::Text => Vec::new(),
        LogFormat::Json { application, .. } => {
            vec![("AWS_LAMBDA_LOG_FORMAT", "JSON"), ("AWS_LAMBDA_LOG_LEVEL", application.name())]
        }
    };
    let max_concurrency = function.max_concurrency.map(|max| max.to_string());
    let concurrency = max_concurrency.as_deref().map(|max| ("AWS_LAMBDA_MAX_CONCURRENCY", max));
    let own = own.into_iter().chain(identity).chain(logging).chain(concurrency);
    own.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use log_store::{Logs, Options};

    fn function(env_vars: &[(&str, &str)]) -> Function {
        let env_vars = env_vars.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Function { env_vars: env_vars.collect(), ..crate::function::tests::function() }
    }

    fn value(env_vars: &[(&str, &str)], name: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let files = Logs::start(folder.path(), Options::default()).unwrap();
        let function = function(env_vars);
        let log = LogStream::create(&files, &function);
        let session = Session {
            access_key_id: "ASIA".into(),
            secret_access_key: "secret".into(),
            session_token: "token".into(),
            expires_at_ms: 0,
            lifeline: Vec::new(),
        };
        let of_runtime = [("PYTHONPATH".to_owned(), "/var/runtime".to_owned())];
        let all = all(&function, &of_runtime, &log, &session, Initialization::OnDemand);
        let mut values = all.into_iter().filter(|(known, _)| known == name).map(|(_, value)| value);
        let first = values.next();
        assert!(values.next().is_none(), "{name} is there twice");
        first
    }

    #[test]
    fn a_function_sets_its_own_and_overrides_what_it_may() {
        assert_eq!(value(&[("STAGE", "test")], "STAGE").as_deref(), Some("test"));
        assert_eq!(value(&[("TZ", "Europe/Berlin")], "TZ").as_deref(), Some("Europe/Berlin"));
        assert_eq!(value(&[("PYTHONPATH", "/opt/x")], "PYTHONPATH").as_deref(), Some("/opt/x"));
    }

    #[test]
    fn what_the_platform_says_stays() {
        assert_eq!(
            value(&[("AWS_ACCESS_KEY_ID", "mine")], "AWS_ACCESS_KEY_ID").as_deref(),
            Some("ASIA")
        );
        assert_eq!(value(&[], "_HANDLER").as_deref(), Some("app.handler"));
        assert_eq!(value(&[], "HOME"), None, "AWS sets none");
    }
}
