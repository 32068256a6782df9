#include "ignition/report.h"

namespace diatom::ignition {

void Report::problem(const Value& at, const Path& path, std::string_view message) {
    problems.push_back(at.error(path.text(), message).error().what());
}

void Report::warn(const Value& at, const Path& path, std::string_view message) {
    warnings.push_back(at.error(path.text(), message).error().what());
}

void Report::add(const Report& other) {
    problems.insert(problems.end(), other.problems.begin(), other.problems.end());
    warnings.insert(warnings.end(), other.warnings.begin(), other.warnings.end());
}

}  // namespace diatom::ignition
