// SPDX-License-Identifier: Apache-2.0
//! Images from layouts and archives that are made here.

use super::*;
use crate::layer::tests::file;
use std::fs;
use std::path::Path;

const ARCHITECTURE: Architecture = Architecture::X8664;

/// Writes layouts, blob by blob.
struct Layout {
    path: PathBuf,
}

impl Layout {
    fn new(path: PathBuf) -> Self {
        fs::create_dir_all(path.join("blobs/sha256")).unwrap();
        Self { path }
    }

    fn blob(&self, media_type: &str, bytes: &[u8]) -> serde_json::Value {
        let digest = Digest::of(bytes);
        fs::write(self.blob_path(digest), bytes).unwrap();
        serde_json::json!({"mediaType": media_type, "digest": digest.to_string(), "size": bytes.len()})
    }

    fn blob_path(&self, digest: Digest) -> PathBuf {
        self.path.join("blobs/sha256").join(digest.hexadecimal())
    }

    /// An image of these layers, under a tag.
    fn image(&self, tag: &str, layers: &[Vec<u8>]) -> Digest {
        let diff_ids: Vec<_> = layers.iter().map(|layer| Digest::of(layer)).collect();
        let config = serde_json::json!({
            "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/run"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let layer = |bytes: &Vec<u8>| self.blob("application/vnd.oci.image.layer.v1.tar", bytes);
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "config": self.blob("application/vnd.oci.image.config.v1+json", config.to_string().as_bytes()),
            "layers": layers.iter().map(layer).collect::<Vec<_>>(),
        });
        let bytes = manifest.to_string().into_bytes();
        let mut listed = self.blob("application/vnd.oci.image.manifest.v1+json", &bytes);
        listed["annotations"] = serde_json::json!({"org.opencontainers.image.ref.name": tag});
        fs::write(
            self.path.join("index.json"),
            serde_json::json!({"schemaVersion": 2, "manifests": [listed]}).to_string(),
        )
        .unwrap();
        Digest::of(&bytes)
    }
}

fn images(folder: &Path, change: impl FnOnce(&mut Options)) -> Images {
    let mut options = Options { local: vec![folder.to_path_buf()], ..Options::default() };
    change(&mut options);
    Images::open(options, folder.join("data")).unwrap()
}

/// How many directories there are of each kind.
fn counts(folder: &Path) -> [usize; 3] {
    ["layers", "roots", "images"]
        .map(|name| fs::read_dir(folder.join("data").join(name)).unwrap().count())
}

async fn pulled(images: &Images, address: &str) -> Result<Resolved, ImageError> {
    let resolved = images.resolve(address, ARCHITECTURE).await?;
    resolved.image.pull(&resolved.address, ARCHITECTURE).await?;
    Ok(resolved)
}

#[tokio::test]
async fn an_image_is_resolved_pulled_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path().join("app"));
    let digest = layout.image("v1", &[file("a", "1"), file("b", "2")]);
    let images = images(folder.path(), |_| {});
    let address = format!("oci:{}:v1", layout.path.display());
    let resolved = pulled(&images, &address).await.unwrap();
    assert_eq!(resolved.image.digest(), digest);
    assert_eq!(resolved.address, format!("oci:{}@{digest}", layout.path.display()));
    assert_eq!(resolved.config.command, ["/run"]);
    assert_eq!(fs::read_to_string(resolved.image.root().join("b")).unwrap(), "2");

    layout.image("v1", &[file("a", "1"), file("b", "3")]);
    let moved = pulled(&images, &address).await.unwrap();
    assert_ne!(moved.image.digest(), digest);
    assert_eq!(fs::read_to_string(resolved.image.root().join("b")).unwrap(), "2", "it stays");
    assert_eq!(counts(folder.path()), [3, 2, 2], "the layer that both have is there once");
    drop(moved);
    images.sweep().await;
    assert_eq!(counts(folder.path()), [2, 1, 1]);
    drop(resolved);
    images.sweep().await;
    assert_eq!(counts(folder.path()), [0, 0, 0]);
}

#[tokio::test]
async fn a_restart_finds_what_is_whole_and_removes_what_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path().join("app"));
    let digest = layout.image("v1", &[file("a", "1")]);
    let before = images(folder.path(), |_| {});
    pulled(&before, &format!("oci:{}", layout.path.display())).await.unwrap();
    drop(before);
    fs::create_dir(folder.path().join("data/new-7")).unwrap();
    fs::write(folder.path().join("data/new-8"), "").unwrap();
    fs::remove_dir_all(&layout.path).unwrap();

    let after = images(folder.path(), |_| {});
    let image = after.hold(digest);
    assert!(image.is_ready(), "nothing is asked for again");
    after.sweep().await;
    assert_eq!(counts(folder.path()), [1, 1, 1]);
    assert_eq!(fs::read_dir(folder.path().join("data")).unwrap().count(), 3);
}

#[tokio::test]
async fn a_damaged_blob_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path().join("app"));
    let layer = file("a", "1");
    layout.image("v1", std::slice::from_ref(&layer));
    let path = layout.blob_path(Digest::of(&layer));
    fs::write(&path, file("a", "2")).unwrap();
    let images = images(folder.path(), |_| {});
    let address = format!("oci:{}", layout.path.display());
    let refused = pulled(&images, &address).await.unwrap_err();
    assert!(matches!(refused, ImageError::Digest { .. }), "{refused}");
    assert_eq!(counts(folder.path()), [0, 0, 1]);

    fs::write(&path, layer).unwrap();
    assert!(pulled(&images, &address).await.is_ok(), "the next try goes well");
}

#[tokio::test]
async fn limits_hold_for_the_image_and_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path().join("app"));
    layout.image("v1", &[file("a", &"x".repeat(4000)), file("b", &"y".repeat(4000))]);
    let address = format!("oci:{}", layout.path.display());
    let small = images(folder.path(), |options| options.image_bytes_max = 6000);
    let refused = pulled(&small, &address).await.unwrap_err();
    assert!(matches!(refused, ImageError::TooLarge { max: 6000, .. }), "{refused}");
    let full = images(folder.path(), |options| options.storage_bytes_max = 2000);
    let refused = pulled(&full, &address).await.unwrap_err();
    assert!(matches!(refused, ImageError::NoRoom { max: 2000 }), "{refused}");
}

#[tokio::test]
async fn what_is_not_allowed_is_not_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let closed = images(folder.path(), |options| {
        options.local.clear();
        options.allowed = vec!["*.example.com".to_owned()];
    });
    for address in ["oci:/etc", "oci-archive:/etc/passwd", "127.0.0.1:1/app", "evil.test/app"] {
        let refused = closed.resolve(address, ARCHITECTURE).await.unwrap_err();
        assert!(matches!(refused, ImageError::NotAllowed { .. }), "{address}: {refused}");
    }
    let refused = closed.resolve("no address", ARCHITECTURE).await.unwrap_err();
    assert!(matches!(refused, ImageError::Address { .. }));
}

#[tokio::test]
async fn a_docker_save_is_an_image_too() {
    let folder = tempfile::tempdir().unwrap();
    let layer = file("a", "saved");
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [Digest::of(&layer)]},
    });
    let listed = serde_json::json!([{"Config": "c.json", "RepoTags": ["app:v1"], "Layers": ["1/layer.tar"]}]);
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in [
        ("c.json", config.to_string().into_bytes()),
        ("1/layer.tar", layer),
        ("manifest.json", listed.to_string().into_bytes()),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, name, content.as_slice()).unwrap();
    }
    let path = folder.path().join("app.tar");
    fs::write(&path, tar.into_inner().unwrap()).unwrap();
    let images = images(folder.path(), |_| {});
    let address = format!("docker-archive:{}:v1", path.display());
    let resolved = pulled(&images, &address).await.unwrap();
    assert_eq!(fs::read_to_string(resolved.image.root().join("a")).unwrap(), "saved");
    let again = images.resolve(&address, ARCHITECTURE).await.unwrap();
    assert_eq!(again.image.digest(), resolved.image.digest(), "always the same");
    let other = format!("docker-archive:{}:v2", path.display());
    assert!(matches!(images.resolve(&other, ARCHITECTURE).await, Err(ImageError::NotFound)));
}
