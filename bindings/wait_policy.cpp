#include <unistd.h>

#include <cstring>

// LibTorch's threads belong to libgomp, whose waiting threads spin for about a millisecond. On cores that have other
// work too (a shared machine, two analyses at once) that wastes most of the time: one LIME of an image took 61 s
// instead of 4.7 s. libgomp offers no call for it and reads its environment in its constructor, before main; setenv
// in an earlier constructor is lost, since libc's own sets the environment again. So the program starts itself once
// more with OMP_WAIT_POLICY=passive from .preinit_array, which runs before any library's constructor: that costs 0.02
// s. A choice of the user's own is left alone.
#ifndef __SANITIZE_ADDRESS__  // whose runtime is not ready yet here
namespace {

constexpr char policy[] = "OMP_WAIT_POLICY=passive";

bool sets(const char* variable, const char* name) { return std::strncmp(variable, name, std::strlen(name)) == 0; }

// Nothing of the C++ library is initialised yet: plain arrays and system calls only.
void wait_passively(int, char** words, char** environment) {
  constexpr int most = 4096;
  static char* extended[most + 2];
  static char program[4096];
  int count = 0;
  for (; environment[count]; ++count) {
    if (count == most || sets(environment[count], "OMP_WAIT_POLICY=") || sets(environment[count], "GOMP_SPINCOUNT="))
      return;
    extended[count] = environment[count];
  }
  extended[count] = const_cast<char*>(policy);
  auto length = readlink("/proc/self/exe", program, sizeof program - 1);
  if (length > 0) execve(program, words, extended);  // when it fails, spinning works too
}

using Initializer = void (*)(int, char**, char**);
__attribute__((section(".preinit_array"), used)) const Initializer start_again = wait_passively;

}  // namespace
#endif
