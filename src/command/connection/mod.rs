//! Commands about the connection: handshake, authentication and settings. They change the
//! [`Session`](super::Session) and return [`Effects`](super::Effects); the server owns the socket.

pub mod auth;
pub mod client;
pub mod echo;
pub mod hello;
pub mod ping;
pub mod quit;
pub mod reset;
pub mod select;
