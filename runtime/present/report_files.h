#pragma once
#include <string_view>

// The files of present/report/, put into the library by CMake.
namespace multiviz::report_files {

extern const std::string_view html, css, js;

}  // namespace multiviz::report_files
