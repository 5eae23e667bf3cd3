//! Accounts, as stories, each on every database.

mod account;
mod first_start;
mod login;
mod user;
