// Runs a fuzzer over every file of its corpus, as an ordinary test with the compiler and sanitizers of the unit tests.
// usage: X_replay CORPUS-DIRECTORY-OR-FILE...
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> inputs_of(const fs::path& path) {
    std::vector<fs::path> inputs;
    if (!fs::is_directory(path)) return {path};
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
        if (entry.is_regular_file()) inputs.push_back(entry.path());
    }
    std::ranges::sort(inputs);
    return inputs;
}

void replay(const fs::path& input) {
    std::ifstream file(input, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    // A copy of exactly that size on the heap lets AddressSanitizer see a read beyond its end.
    const std::vector<std::uint8_t> bytes(text.begin(), text.end());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t count = 0;
    for (int i = 1; i < argc; ++i) {
        for (const auto& input : inputs_of(argv[i])) {
            std::printf("%s\n", input.c_str());
            std::fflush(stdout);  // the name of the input that crashes is the last line
            replay(input);
            ++count;
        }
    }
    LLVMFuzzerTestOneInput(nullptr, 0);
    if (count == 0) {
        std::fprintf(stderr, "no corpus was given, or it is empty: name a directory with inputs\n");
        return 1;
    }
    std::printf("%zu inputs replayed\n", count);
    return 0;
}
