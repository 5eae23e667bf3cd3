//! Accounts, as stories, each on every database.

mod account;
mod first_start;
mod layer;
mod login;
mod user;
