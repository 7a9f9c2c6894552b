mod conformance;
mod crosscheck;
mod hostile;
mod rfc9535;
mod table;
mod testing;
