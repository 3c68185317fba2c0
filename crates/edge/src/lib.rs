//! The front listener: service detection, authentication, dispatch.
