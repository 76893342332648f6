// Package reports holds the version of the OpenReports API from which the tests' CustomResourceDefinitions are generated.
package reports

import (
	_ "openreports.io/apis/openreports.io/v1alpha1"
)
