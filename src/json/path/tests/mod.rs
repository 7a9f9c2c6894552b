mod conformance;
mod testing;
