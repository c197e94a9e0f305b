# Compiler flags, cache and linker that every target of the project shares.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Checkouts in different folders share the cache; precompiled headers need the sloppiness.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()

find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wno-unknown-pragmas)
if(MULTIVIZ_WERROR)
  add_compile_options(-Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 takes the moved-from alternatives of a std::variant for uninitialized, and sees overruns in inlined
  # std::string code that are not there.
  add_compile_options(-fpch-preprocess -Wno-maybe-uninitialized -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow)
endif()
# Scenes and masks must come out the same on every machine: no fused multiply-add behind our back.
add_compile_options(-ffp-contract=off)
if(MULTIVIZ_SANITIZE)
  add_compile_options(-fsanitize=${MULTIVIZ_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${MULTIVIZ_SANITIZE})
endif()

# For targets without inner loops: compiles in two thirds of the time.
function(build_quickly target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# Compiles neighbouring files of a folder as one unit: what LibTorch's headers instantiate costs every unit more than a
# file of ours does. Names in the unnamed namespaces of such neighbours must differ.
function(compile_together target)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    cmake_path(GET source PARENT_PATH folder)
    string(MD5 folder "${folder}")
    math(EXPR before "0${count_${folder}}")
    math(EXPR count_${folder} "${before} + 1")
    math(EXPR unit "${before} / 4")
    set_source_files_properties("${source}" PROPERTIES UNITY_GROUP "${folder}_${unit}")
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()
