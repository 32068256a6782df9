#include "proc/become.h"

#include <unistd.h>

#include <cerrno>

namespace diatom::proc {

Result<void> become(const std::string& path, std::vector<std::string> argv) {
    std::vector<char*> words;
    for (auto& word : argv) words.push_back(word.data());
    words.push_back(nullptr);
    ::execve(path.c_str(), words.data(), environ);
    return fail_errno(errno, "execute {}", path);
}

}  // namespace diatom::proc
