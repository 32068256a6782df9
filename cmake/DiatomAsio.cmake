# Boost.Asio and Beast compiled once: who links dep_asio includes their declarations only.
add_library(dep_asio STATIC
  "${CMAKE_SOURCE_DIR}/cmake/asio/asio.cpp"
  "${CMAKE_SOURCE_DIR}/cmake/asio/asio_ssl.cpp"
  "${CMAKE_SOURCE_DIR}/cmake/asio/beast.cpp")
target_compile_definitions(dep_asio PUBLIC
  BOOST_ASIO_SEPARATE_COMPILATION
  BOOST_BEAST_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED)
target_link_libraries(dep_asio PUBLIC dep_ssl Threads::Threads)
