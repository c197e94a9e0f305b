# multiviz::torch: LibTorch from a Python wheel. The wheel's own find_package(Torch) asks for a CUDA toolkit, so the
# imported target is ours. CUDA is loaded at run time, never linked.
if(NOT MULTIVIZ_TORCH)
  if(DEFINED ENV{MULTIVIZ_TORCH})
    set(MULTIVIZ_TORCH "$ENV{MULTIVIZ_TORCH}" CACHE PATH "" FORCE)
  else()
    set(cache "$ENV{XDG_CACHE_HOME}")
    if(NOT cache)
      set(cache "$ENV{HOME}/.cache")
    endif()
    file(GLOB found "${cache}/multiviz/torch-*/torch")
    list(SORT found ORDER DESCENDING)
    list(POP_FRONT found newest)
    set(MULTIVIZ_TORCH "${newest}" CACHE PATH "" FORCE)
  endif()
endif()
if(NOT EXISTS "${MULTIVIZ_TORCH}/lib/libtorch_cpu.so" OR NOT EXISTS "${MULTIVIZ_TORCH}/include/ATen/ATen.h")
  message(FATAL_ERROR "LibTorch was not found in '${MULTIVIZ_TORCH}': run scripts/setup, or set MULTIVIZ_TORCH to the torch folder of an installed wheel")
endif()

add_library(multiviz::torch INTERFACE IMPORTED GLOBAL)
# After the system's folders: the wheel carries its own fmt headers, which shadow the library that we link.
target_compile_options(multiviz::torch INTERFACE
  "SHELL:-idirafter ${MULTIVIZ_TORCH}/include" "SHELL:-idirafter ${MULTIVIZ_TORCH}/include/torch/csrc/api/include")
target_link_libraries(multiviz::torch INTERFACE "${MULTIVIZ_TORCH}/lib/libtorch_cpu.so" "${MULTIVIZ_TORCH}/lib/libc10.so")
target_link_options(multiviz::torch INTERFACE "LINKER:--allow-shlib-undefined")
