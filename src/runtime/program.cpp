#include "runtime/program.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/strings.h"

namespace diatom::runtime {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// 0: may be executed by us; else the errno that says why not.
int check_executable(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) < 0) return errno;
    if (S_ISDIR(status.st_mode)) return EISDIR;
    return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) < 0 ? errno : 0;
}

// Go's words, which begin in lower case.
std::string reason(int error) {
    std::string text = std::strerror(error);
    if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
    return text;
}

std::string_view path_variable(const std::vector<std::string>& env) {
    for (const auto& entry : env) {
        if (entry.starts_with("PATH=")) return std::string_view(entry).substr(5);
    }
    return kDefaultPath;
}

Failure refuse(const std::string& name, int error) {
    const bool missing = error == ENOENT || error == ENOTDIR;
    std::string text = std::format("exec: \"{}\": ", name);
    if (missing) text += std::format("stat {}: ", name);
    return Failure(Error(missing ? Kind::not_found : Kind::denied, text + reason(error), error));
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> list;
    for (const auto& s : strings) list.push_back(const_cast<char*>(s.c_str()));
    list.push_back(nullptr);
    return list;
}

}  // namespace

Result<std::string> find_program(const std::string& name, const std::vector<std::string>& env) {
    if (name.contains('/')) {
        if (const int error = check_executable(name); error != 0) return refuse(name, error);
        return name;
    }
    int denied = 0;
    for (const auto directory : split(name.empty() ? std::string_view() : path_variable(env), ':')) {
        std::string path = std::format("{}/{}", directory.empty() ? "." : directory, name);
        const int error = check_executable(path);
        if (error == 0) return path;
        if (error == EACCES) denied = error;
    }
    if (denied != 0) return refuse(name, denied);
    return Failure(
        Error(Kind::not_found, std::format("exec: \"{}\": executable file not found in $PATH", name), ENOENT));
}

Error execute_program(const std::string& path, const std::vector<std::string>& args,
                      const std::vector<std::string>& env) {
    const auto argv = pointers(args);
    const auto envp = pointers(env);
    ::execve(path.c_str(), argv.data(), envp.data());
    const int error = errno;
    // ENOENT of a file that is there: its interpreter is missing.
    const Kind kind = error == ENOENT    ? Kind::not_found
                      : error == EACCES  ? Kind::denied
                      : error == ENOEXEC ? Kind::invalid
                                         : kind_of_errno(error);
    return Error(kind, std::format("exec {}: {}", path, reason(error)), error);
}

}  // namespace diatom::runtime
