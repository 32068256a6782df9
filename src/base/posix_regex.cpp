#include "base/posix_regex.h"

#include <array>

namespace diatom {

void PosixRegex::Free::operator()(regex_t* compiled) const noexcept {
    ::regfree(compiled);
    delete compiled;
}

Result<PosixRegex> PosixRegex::compile(const std::string& text, Case letters) {
    const int flags = REG_EXTENDED | REG_NOSUB | (letters == Case::same ? REG_ICASE : 0);
    auto plain = std::make_unique<regex_t>();
    if (const int code = ::regcomp(plain.get(), text.c_str(), flags); code != 0) {
        std::array<char, 128> reason{};
        ::regerror(code, plain.get(), reason.data(), reason.size());
        return fail(Kind::invalid, "{}", reason.data());
    }
    return PosixRegex(Compiled(plain.release()));
}

bool PosixRegex::matches(const std::string& name) const {
    return ::regexec(compiled_.get(), name.c_str(), 0, nullptr, 0) == 0;
}

}  // namespace diatom
