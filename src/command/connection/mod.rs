//! Commands that concern the connection: handshake, authentication and settings. They change the
//! [`Session`](super::Session) and return [`Effects`](super::Effects); the server owns the socket.

pub mod basic;
pub mod client;
pub mod handshake;
