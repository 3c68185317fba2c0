// SPDX-License-Identifier: Apache-2.0
//! A made-up machine in a temporary directory, and this one.

use super::*;
use expect_test::{Expect, expect};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use tempfile::TempDir;

struct Machine {
    root: TempDir,
    search: Vec<PathBuf>,
    stand_in: BTreeMap<Identifier, PathBuf>,
}

impl Machine {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), search: Vec::new(), stand_in: BTreeMap::new() }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(path)
    }

    fn file(&self, path: &str, content: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn python(self, prefix: &str, minor: u8, patch: Option<u8>) -> Self {
        self.file(&format!("{prefix}/bin/python3.{minor}"), "");
        self.file(&format!("{prefix}/lib/python3.{minor}/encodings/__init__.py"), "");
        if let Some(patch) = patch {
            let header =
                format!("#define PY_MAJOR_VERSION 3\n#define PY_MICRO_VERSION        {patch}\n");
            self.file(&format!("{prefix}/include/python3.{minor}/patchlevel.h"), &header);
        }
        self
    }

    fn node(self, prefix: &str, version: (u8, u8, u8)) -> Self {
        self.file(&format!("{prefix}/bin/node"), "");
        let (major, minor, patch) = version;
        let header = format!(
            "#define NODE_MAJOR_VERSION {major}\n#define NODE_MINOR_VERSION {minor}\n#define NODE_PATCH_VERSION {patch}\n"
        );
        self.file(&format!("{prefix}/include/node/node_version.h"), &header);
        self
    }

    fn java(self, home: &str, version: &str) -> Self {
        self.file(&format!("{home}/bin/java"), "");
        let release = format!("IMPLEMENTOR=\"Debian\"\nJAVA_VERSION=\"{version}\"\n");
        self.file(&format!("{home}/release"), &release);
        self
    }

    fn javac(self, home: &str) -> Self {
        self.file(&format!("{home}/bin/javac"), "");
        self
    }

    fn link(self, from: &str, to: &str) -> Self {
        fs::create_dir_all(self.at(from).parent().unwrap()).unwrap();
        symlink(self.at(to), self.at(from)).unwrap();
        self
    }

    fn search(mut self, path: &str) -> Self {
        self.search.push(self.at(path));
        self
    }

    fn runtimes(&self) -> Runtimes {
        let surroundings = Surroundings {
            home: Some(self.at("home")),
            path: Some(
                std::env::join_paths([self.at("home/.pyenv/shims"), self.at("somewhere/bin")])
                    .unwrap(),
            ),
            java_home: None,
            root: self.at(""),
        };
        let (search, stand_in) = (self.search.clone(), self.stand_in.clone());
        let options = Options { search, stand_in, surroundings, ..Options::default() };
        Runtimes::prepare(&options, &self.at("data")).unwrap()
    }

    fn check(&self, identifier: &str, expected: &Expect) {
        let text = match self.runtimes().find(identifier) {
            Ok(Installed { version, lang_dir, .. }) => {
                let place = lang_dir.unwrap();
                format!("{version} in {}", place.strip_prefix(self.at("")).unwrap().display())
            }
            Err(missing) => missing.to_string(),
        };
        expected.assert_eq(&text);
    }
}

#[test]
fn the_newest_patch_wins() {
    let machine = Machine::new()
        .python("home/.pyenv/versions/3.12.1", 12, Some(1))
        .python("home/.local/share/uv/python/cpython-3.12.11-linux-x86_64-gnu", 12, None)
        .python("usr", 12, Some(3));
    let newest =
        expect!["python:3.12.11 in home/.local/share/uv/python/cpython-3.12.11-linux-x86_64-gnu"];
    machine.check("python3.12", &newest);
}

#[test]
fn a_configured_prefix_wins_over_a_newer_one() {
    let machine =
        Machine::new().python("usr", 12, Some(9)).python("mine", 12, Some(2)).search("mine");
    machine.check("python3.12", &expect!["python:3.12.2 in mine"]);
    let machine =
        Machine::new().python("usr", 12, Some(9)).python("all/a", 12, Some(2)).search("all");
    machine.check("python3.12", &expect!["python:3.12.2 in all/a"]);
}

#[test]
fn links_are_followed_to_the_real_prefix() {
    let machine = Machine::new()
        .python("far/python", 13, Some(0))
        .link("somewhere/bin/python3.13", "far/python/bin/python3.13");
    machine.check("python3.13", &expect!["python:3.13.0 in far/python"]);
}

#[test]
fn a_shim_is_not_an_interpreter() {
    let machine = Machine::new();
    machine.file("home/.pyenv/shims/python3.12", "#!/bin/sh\n");
    machine.check(
        "python3.12",
        &expect![
            "the runtime python3.12 is not installed on this machine; install it with: `uv python install 3.12`, `pyenv install 3.12` or `apt-get install python3.12`; or name its prefix in runtimes.search"
        ],
    );
}

#[test]
fn nodes_are_told_apart_by_their_headers() {
    let machine = Machine::new()
        .node("usr", (20, 20, 2))
        .node("home/.nvm/versions/node/v22.1.0", (22, 1, 0))
        .node("home/.nvm/versions/node/v22.11.0", (22, 11, 0));
    machine.check("nodejs20.x", &expect!["nodejs:20.20.2 in usr"]);
    machine.check("nodejs22.x", &expect!["nodejs:22.11.0 in home/.nvm/versions/node/v22.11.0"]);
    machine.check(
        "nodejs24.x",
        &expect![
            "the runtime nodejs24.x is not installed on this machine; install it with: `nvm install 24`, or nodejs 24 from the system's packages; or name its prefix in runtimes.search"
        ],
    );
}

#[test]
fn a_node_without_headers_is_asked() {
    let machine = Machine::new();
    machine.file("opt/node/bin/node", "#!/bin/sh\necho v24.3.1\n");
    machine.check("nodejs24.x", &expect!["nodejs:24.3.1 in opt/node"]);
}

#[test]
fn a_node_is_asked_once() {
    let machine = Machine::new();
    let asked = machine.at("asked");
    machine.file(
        "opt/node/bin/node",
        &format!("#!/bin/sh\necho . >> {}\necho v24.3.1\n", asked.display()),
    );
    let runtimes = machine.runtimes();
    assert!(runtimes.find("nodejs22.x").is_err() && runtimes.find("nodejs22.x").is_err());
    assert!(runtimes.find("nodejs24.x").is_ok());
    assert_eq!(fs::read_to_string(asked).unwrap(), ".\n");
}

#[test]
fn javas_are_told_apart_by_their_release() {
    let machine = Machine::new()
        .java("usr/lib/jvm/java-17-openjdk-amd64", "17.0.9")
        .java("home/.sdkman/candidates/java/17.0.12-tem", "17.0.12")
        .java("usr/lib/jvm/temurin-25", "25")
        .javac("usr/lib/jvm/temurin-25")
        .java("usr/lib/jvm/java-8-openjdk-amd64", "1.8.0_442")
        .link("somewhere/bin/java", "usr/lib/jvm/temurin-25/bin/java");
    let newest = expect!["java:17.0.12 in home/.sdkman/candidates/java/17.0.12-tem"];
    machine.check("java17", &newest);
    machine.check("java17.al2023", &newest);
    machine.check("java25", &expect!["java:25.0 in usr/lib/jvm/temurin-25"]);
    machine.check("java8.al2", &expect!["java:8.0.442 in usr/lib/jvm/java-8-openjdk-amd64"]);
    machine.check(
        "java21",
        &expect!["the runtime java21 is not installed on this machine; install it with: `apt-get install openjdk-21-jdk-headless` or `sdk install java`; or name its home in runtimes.search"],
    );
}

#[test]
fn java_8_is_found_around_its_jre() {
    let machine = Machine::new()
        .java("jdk8/jre", "1.8.0_442")
        .link("usr/lib/jvm/jdk8/bin/java", "jdk8/jre/bin/java")
        .javac("jdk8");
    fs::rename(machine.at("jdk8/jre/release"), machine.at("jdk8/release")).unwrap();
    machine.file("jdk8/bin/java", "");
    machine.check("java8.al2023", &expect!["java:8.0.442 in jdk8"]);
}

#[test]
fn a_java_without_a_compiler_says_so_unless_another_can_compile_for_it() {
    let machine = Machine::new().java("usr/lib/jvm/jre-17", "17.0.1");
    let error = machine.runtimes().find("java17").unwrap_err();
    assert!(matches!(error, NotInstalled::NoCompiler { .. }), "{error}");
    assert!(error.hint().contains("openjdk-17-jdk-headless"), "{}", error.hint());
    let machine = machine.java("usr/lib/jvm/jdk-25", "25.0.1").javac("usr/lib/jvm/jdk-25");
    machine.check("java17", &expect!["java:17.0.1 in usr/lib/jvm/jre-17"]);
}

#[test]
fn java_options_of_the_function_win() {
    let machine = Machine::new().java("usr/lib/jvm/a", "17.0.1").javac("usr/lib/jvm/a");
    let found = machine.runtimes().find("java17").unwrap();
    let check = |options: &str, expected: Expect| {
        let argv = found.argv_for(512, &[("JAVA_TOOL_OPTIONS".to_owned(), options.to_owned())]);
        let flags = argv.iter().filter(|flag| flag.starts_with("-XX"));
        expected.assert_eq(&flags.cloned().collect::<Vec<_>>().join(" "));
    };
    check(
        "",
        expect![
            "-XX:MaxHeapSize=445644k -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData"
        ],
    );
    check("-Xmx100m", expect!["-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData"]);
    check(
        "-XX:+UseParallelGC -XX:TieredStopAtLevel=4",
        expect!["-XX:MaxHeapSize=445644k -XX:-UsePerfData"],
    );
}

#[test]
fn a_ruby_says_which_it_is() {
    let machine = Machine::new();
    machine.file(
        "usr/bin/ruby3.1",
        "#!/bin/sh\necho 'ruby 3.1.7p261 (2025-03-26 revision 0) [x86_64-linux]'\n",
    );
    let mut machine = machine.link("usr/bin/ruby", "usr/bin/ruby3.1");
    machine.file(
        "home/.rbenv/versions/3.4.2/bin/ruby",
        "#!/bin/sh\necho 'ruby 3.4.2 (2025-02-04 revision 1)'\n",
    );
    machine.check("ruby3.4", &expect!["ruby:3.4.2 in home/.rbenv/versions/3.4.2"]);
    let missing = expect![
        "the runtime ruby3.3 is not installed on this machine; install it with: `rbenv install 3.3`, or ruby 3.3 from the system's packages; or name its prefix in runtimes.search, or that of another version in runtimes.stand_in"
    ];
    machine.check("ruby3.3", &missing);

    machine.stand_in.insert("ruby3.3".parse().unwrap(), machine.at("usr"));
    machine.check("ruby3.3", &expect!["ruby:3.1.7 in usr"]);
    assert!(machine.runtimes().find("ruby3.3").unwrap().is_stand_in);
    assert!(machine.runtimes().find("ruby3.2").is_err(), "it stands in for no other");
    assert!(!machine.runtimes().find("ruby3.4").unwrap().is_stand_in);
}

#[test]
fn another_python_stands_in_when_somebody_says_so() {
    let mut machine =
        Machine::new().python("usr", 11, Some(7)).link("usr/bin/python3", "usr/bin/python3.11");
    machine.stand_in.insert("python3.13".parse().unwrap(), machine.at("usr"));
    machine.check("python3.13", &expect!["python:3.11.7 in usr"]);
    let found = machine.runtimes().find("python3.13").unwrap();
    assert_eq!((found.is_stand_in, &*found.argv[0]), (true, "/var/lang/bin/python3.11"));
    assert!(machine.runtimes().find("python3.14").is_err(), "it stands in for no other");
}

#[test]
fn a_ruby_runs_where_it_was_built_for() {
    let machine = Machine::new();
    machine.file("opt/rubies/3.3/bin/ruby", "#!/bin/sh\necho ruby 3.3.0\n");
    let found = machine.runtimes().find("ruby3.3").unwrap();
    let program = machine.at("opt/rubies/3.3/bin/ruby").display().to_string();
    assert_eq!(found.argv_for(128, &[]), [program, "/var/runtime/bootstrap.rb".to_owned()]);
    let place = machine.at("opt/rubies/3.3");
    assert!(mounts(&found).contains(&Mount { source: place.clone(), target: place }));
}

#[test]
fn other_runtimes_are_refused() {
    for identifier in [
        "java22",
        "java21.al2023",
        "python3.8",
        "python2.7",
        "nodejs16.x",
        "nodejs22",
        "",
        "provided.al1",
    ] {
        let error = Machine::new().runtimes().find(identifier).unwrap_err();
        assert_eq!(error, NotInstalled::Unsupported { text: identifier.to_owned() });
    }
}

#[test]
fn what_is_installed_later_is_found_and_what_goes_is_missed() {
    let machine = Machine::new();
    let runtimes = machine.runtimes();
    assert!(runtimes.find("python3.12").is_err());
    let machine = machine.python("opt/p", 12, Some(1));
    assert_eq!(runtimes.find("python3.12").unwrap().version, "python:3.12.1");
    fs::remove_dir_all(machine.at("opt/p")).unwrap();
    assert!(runtimes.find("python3.12").is_err());
}

#[test]
fn commands_and_variables() {
    let machine = Machine::new().python("usr", 12, Some(3)).node("usr", (22, 1, 0));
    let runtimes = machine.runtimes();
    let check = |identifier: &str, expected: Expect| {
        let found = runtimes.find(identifier).unwrap();
        expected.assert_eq(&format!("{:?}\n{:?}\n", found.argv_for(128, &[]), found.env));
    };
    check(
        "python3.12",
        expect![[r#"
            ["/var/lang/bin/python3.12", "-S", "-B", "/var/runtime/bootstrap.py"]
            [("AWS_EXECUTION_ENV", "AWS_Lambda_python3.12"), ("PYTHONPATH", "/var/runtime"), ("LC_CTYPE", "C.UTF-8")]
        "#]],
    );
    check(
        "nodejs22.x",
        expect![[r#"
            ["/var/lang/bin/node", "--max-semi-space-size=6", "--max-old-space-size=108", "--no-experimental-require-module", "--no-experimental-detect-module", "/var/runtime/bootstrap.cjs"]
            [("AWS_EXECUTION_ENV", "AWS_Lambda_nodejs22.x"), ("NODE_PATH", "/opt/nodejs/node22/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task")]
        "#]],
    );
    check(
        "provided.al2023",
        expect![[r#"
            []
            []
        "#]],
    );
}

#[test]
fn node_options_of_the_function_win() {
    let machine = Machine::new().node("usr", (22, 1, 0));
    let found = machine.runtimes().find("nodejs22.x").unwrap();
    let options = "--experimental-require-module --max_old_space_size=50";
    let argv = found.argv_for(128, &[("NODE_OPTIONS".to_owned(), options.to_owned())]);
    assert_eq!(
        argv,
        ["/var/lang/bin/node", "--no-experimental-detect-module", "/var/runtime/bootstrap.cjs"]
    );
}

#[test]
fn bootstraps_are_written_once_and_again_when_they_differ() {
    let machine = Machine::new();
    machine.runtimes();
    let path = machine.at("data/runtimes/python/bootstrap.py");
    let whole = fs::read(&path).unwrap();
    let written = fs::metadata(&path).unwrap().modified().unwrap();
    machine.file("data/runtimes/python/bootstrap-3.12.1.pyc", "compiled");
    machine.file("data/runtimes/python/boto3/x.py", "installed");
    machine.runtimes();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), written);
    assert!(machine.at("data/runtimes/python/bootstrap-3.12.1.pyc").exists());

    fs::write(&path, "older").unwrap();
    machine.runtimes();
    assert_eq!(fs::read(&path).unwrap(), whole);
    assert!(
        !machine.at("data/runtimes/python/bootstrap-3.12.1.pyc").exists(),
        "it was compiled from another text"
    );
    assert!(machine.at("data/runtimes/python/boto3/x.py").exists());
}

#[test]
fn the_bootstrap_of_provided_comes_from_the_code_or_a_layer() {
    let machine = Machine::new();
    let (code, layers) = (machine.at("code"), machine.at("layers"));
    assert_eq!(provided_argv(&code, None), None);
    machine.file("layers/bootstrap", "");
    assert_eq!(provided_argv(&code, None), None);
    assert_eq!(provided_argv(&code, Some(&layers)).unwrap(), ["/opt/bootstrap"]);
    fs::create_dir_all(code.join("bootstrap")).unwrap();
    assert_eq!(provided_argv(&code, Some(&layers)).unwrap(), ["/opt/bootstrap"]);
    fs::remove_dir(code.join("bootstrap")).unwrap();
    symlink("/opt/real", code.join("bootstrap")).unwrap();
    assert_eq!(provided_argv(&code, Some(&layers)).unwrap(), ["/var/task/bootstrap"]);
}

/// On this machine, if it has a JDK: compiled once, for all Javas.
#[test]
fn a_real_jdk_compiles_the_bootstrap() {
    let data = tempfile::tempdir().unwrap();
    let runtimes = Runtimes::prepare(&Options::default(), data.path()).unwrap();
    let mut javas = Identifier::all()
        .filter(|identifier| matches!(identifier.language(), Language::Java { .. }))
        .filter_map(|identifier| runtimes.find(&identifier.to_string()).ok());
    let Some(installed) = javas.next() else { return };
    assert!(runtimes.must_compile(&installed));
    runtimes.compile(&installed).unwrap();
    assert!(!runtimes.must_compile(&installed));
    let folder = installed.runtime_dir.clone().unwrap();
    let mut names: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["bootstrap.jar", "lib", "tinderbox"]);

    fs::write(data.path().join("runtimes/java-sources/manifest.txt"), "older").unwrap();
    let runtimes = Runtimes::prepare(&Options::default(), data.path()).unwrap();
    assert!(runtimes.must_compile(&installed), "it was compiled from another text");
}

/// On this machine, whatever it has: a compiled bootstrap is used from then on.
#[test]
fn real_pythons_compile_their_bootstrap() {
    let data = tempfile::tempdir().unwrap();
    let runtimes = Runtimes::prepare(&Options::default(), data.path()).unwrap();
    let pythons = Identifier::all()
        .filter(|identifier| matches!(identifier.language(), Language::Python { .. }));
    for identifier in pythons {
        let Ok(installed) = runtimes.find(&identifier.to_string()) else { continue };
        runtimes.compile(&installed).unwrap();
        let file = installed
            .runtime_dir
            .as_ref()
            .unwrap()
            .join(bootstraps::compiled_name(&installed.version));
        assert!(file.is_file(), "{}", file.display());
        let argv = runtimes.find(&identifier.to_string()).unwrap().argv;
        assert!(argv.last().unwrap().ends_with(".pyc"));
    }
}

#[test]
fn a_version_is_found_by_its_id_also_when_there_is_a_newer_one() {
    let machine = Machine::new().python("home/.pyenv/versions/3.12.1", 12, Some(1));
    let old = machine.runtimes().find("python3.12").unwrap();
    let machine = machine.python("home/.pyenv/versions/3.12.4", 12, Some(4));
    let runtimes = machine.runtimes();
    let newest = runtimes.find("python3.12").unwrap();
    assert_eq!((old.version.as_str(), newest.version.as_str()), ("python:3.12.1", "python:3.12.4"));
    assert_ne!(old.id, newest.id);

    for _ in 0..2 {
        assert_eq!(runtimes.find_version("python3.12", Some(&old.id)), Ok(old.clone()));
    }
    assert_eq!(runtimes.find_version("python3.12", Some(&newest.id)), Ok(newest.clone()));
    assert_eq!(runtimes.find_version("python3.12", None), Ok(newest));
    fs::remove_dir_all(machine.at("home/.pyenv/versions/3.12.1")).unwrap();
    for id in [old.id.as_str(), "of none"] {
        let error = runtimes.find_version("python3.12", Some(id)).unwrap_err();
        assert!(matches!(error, NotInstalled::OtherVersion { .. }), "{error}");
    }
}
