# Compiler flags of every target.
add_compile_options(-Wall -Wextra -Werror -Wno-missing-field-initializers -fno-plt
  -ffunction-sections -fdata-sections -fstack-protector-strong)
# The source tree is always /src in the build root; without it in the binary the same inputs give the same bytes anywhere.
add_compile_options("-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")
add_compile_definitions(_GNU_SOURCE)
# For "quoted" includes only: with -I, the C library's <sys/mount.h> would be our src/sys/mount.h.
add_compile_options("SHELL:-iquote ${CMAKE_SOURCE_DIR}/src")

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 14 warns falsely inside Asio's and the standard library's inlined code.
  add_compile_options(-Wno-maybe-uninitialized -Wno-dangling-reference -Wno-mismatched-new-delete)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Asan")
  add_compile_options(-O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
elseif(CMAKE_BUILD_TYPE STREQUAL "Tsan")
  add_compile_options(-O1 -g1 -fno-omit-frame-pointer -fsanitize=thread -Wno-tsan)
  add_link_options(-fsanitize=thread)
elseif(CMAKE_BUILD_TYPE STREQUAL "Fuzz")
  add_compile_options(-O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link
    -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
else()
  # For size: the program is read compressed from the image and waits for kernels and networks, not for itself.
  set(CMAKE_C_FLAGS_RELEASE "-DNDEBUG")
  set(CMAKE_CXX_FLAGS_RELEASE "-DNDEBUG")
  add_compile_options(-Os -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS)
endif()
