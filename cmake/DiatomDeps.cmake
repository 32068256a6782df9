# The libraries of Debian that the program is made of, as targets that link static or shared after DIATOM_STATIC.
if(DIATOM_STATIC)
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
endif()

# C libraries through which no exception passes: what they call back of ours throws none. They are linked without the
# tables for it, 0.2 MB of the compressed image.
set(no_unwinding ssl crypto zstd z sqlite3)

function(diatom_without_unwinding archive copy)
  cmake_path(GET archive FILENAME name)
  set(made "${CMAKE_BINARY_DIR}/deps/${name}")
  if("${archive}" IS_NEWER_THAN "${made}")
    file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/deps")
    execute_process(COMMAND "${CMAKE_OBJCOPY}" --remove-section=.eh_frame --remove-section=.rela.eh_frame
      "${archive}" "${made}" COMMAND_ERROR_IS_FATAL ANY)
  endif()
  set(${copy} "${made}" PARENT_SCOPE)
endfunction()

function(diatom_dep target header)
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  foreach(lib ${ARGN})
    find_library(lib_${lib} NAMES ${lib} REQUIRED)
    set(file "${lib_${lib}}")
    if(DIATOM_STATIC AND lib IN_LIST no_unwinding)
      diatom_without_unwinding("${file}" file)
    endif()
    list(APPEND files ${file})
  endforeach()
  target_link_libraries(${target} INTERFACE ${files})
  find_path(header_${target} ${header} REQUIRED)
endfunction()

# Debian's source, compiled with what the program uses (image/libraries), for tests, too: they see what is shipped.
function(diatom_own_dep target recipe)
  set(build "${CMAKE_SOURCE_DIR}/image/libraries/build.sh")
  execute_process(COMMAND "${build}" ${recipe} OUTPUT_VARIABLE dir OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  list(TRANSFORM ARGN REPLACE "(.+)" "${dir}/lib/lib\\1.a")
  target_link_libraries(${target} INTERFACE ${ARGN})
  target_include_directories(${target} INTERFACE "${dir}/include")
  file(GLOB inputs CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/image/libraries/*")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${inputs} "${CMAKE_SOURCE_DIR}/image/packages/common.sh")
endfunction()

diatom_own_dep(dep_ssl openssl ssl crypto)
diatom_own_dep(dep_sqlite sqlite3 sqlite3)
diatom_own_dep(dep_zstd libzstd zstd)
diatom_dep(dep_seccomp seccomp.h seccomp)
diatom_dep(dep_cap sys/capability.h cap)
diatom_dep(dep_nft libnftnl/table.h nftnl mnl)
diatom_dep(dep_yaml yaml-cpp/yaml.h yaml-cpp)

# libarchive only for the tar format: the members of its archive that are linked need none of its other libraries.
diatom_dep(dep_archive archive.h archive)

# ISA-L ships as a shared library only; tools/dev/isal.sh builds Debian's source of it.
add_library(dep_isal INTERFACE IMPORTED GLOBAL)
if(DIATOM_ISAL_DIR)
  target_link_libraries(dep_isal INTERFACE "${DIATOM_ISAL_DIR}/libisal.a")
else()
  target_link_libraries(dep_isal INTERFACE isal)
endif()

find_package(Threads REQUIRED)
