// Package v20170312 takes the place of a cloud's SDK that not every module proxy serves. flannel
// links it for one backend that the lab never uses; every call of it fails.
package v20170312

import "errors"

var errAbsent = errors.New("this flannel was built without the tencent-vpc backend")

// Client answers every request with an error.
type Client struct{}

type (
	Filter struct {
		Name   *string
		Values []*string
	}
	Route struct {
		DestinationCidrBlock *string
		GatewayType          *string
		GatewayId            *string
		RouteType            *string
		Enabled              *bool
		RouteId              *uint64
	}
	RouteTable struct {
		RouteTableId *string
		RouteSet     []*Route
	}
	DescribeRouteTablesRequest  struct{ Filters []*Filter }
	DescribeRouteTablesResponse struct {
		Response *struct{ RouteTableSet []*RouteTable }
	}
	CreateRoutesRequest struct {
		RouteTableId *string
		Routes       []*Route
	}
	CreateRoutesResponse struct{}
	DeleteRoutesRequest  struct {
		RouteTableId *string
		Routes       []*Route
	}
	DeleteRoutesResponse struct{}
)

func NewClientWithSecretId(_, _, _ string) (*Client, error)          { return &Client{}, nil }
func NewDescribeRouteTablesRequest() *DescribeRouteTablesRequest     { return new(DescribeRouteTablesRequest) }
func NewCreateRoutesRequest() *CreateRoutesRequest                   { return new(CreateRoutesRequest) }
func NewDeleteRoutesRequest() *DeleteRoutesRequest                   { return new(DeleteRoutesRequest) }
func (*Client) CreateRoutes(*CreateRoutesRequest) (*CreateRoutesResponse, error) {
	return nil, errAbsent
}
func (*Client) DeleteRoutes(*DeleteRoutesRequest) (*DeleteRoutesResponse, error) {
	return nil, errAbsent
}
func (*Client) DescribeRouteTables(*DescribeRouteTablesRequest) (*DescribeRouteTablesResponse, error) {
	return nil, errAbsent
}
