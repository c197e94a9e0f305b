#include <fmt/format.h>

int main() { fmt::print("multiviz\n"); }
